#!/usr/bin/env bash
# What every member says about itself and the others, side by side. Changes nothing; fails when a
# member does not answer or the cluster is not healthy.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # lib/fleet.sh reads them
root=/opt/meridian folder=05-parcels
# shellcheck source=/dev/null
. "$here/../../lib/fleet.sh"
trap 'kb_failed "$?"' ERR

members=(
  "mq-1 deploy@192.168.64.31"
  "mq-2 deploy@192.168.64.32"
  "mq-3 deploy@192.168.64.33"
  "mq-4 deploy@192.168.64.34"
  "mq-5 deploy@192.168.64.35"
)

problems=0
for member in "${members[@]}"; do
  printf '\n== %s\n' "${member%% *}"
  if ! remote "${member#* }" /usr/local/sbin/rmq-member report </dev/null; then
    echo "does not answer"
    problems=$((problems + 1))
  fi
done

printf '\n== all together\n'
for member in "${members[@]}"; do
  if remote "${member#* }" /usr/local/sbin/rmq-member healthy </dev/null; then
    echo "${member%% *}: healthy"
  else
    echo "not healthy as ${member%% *} sees it"
    problems=$((problems + 1))
  fi
done
[ "$problems" -eq 0 ]
