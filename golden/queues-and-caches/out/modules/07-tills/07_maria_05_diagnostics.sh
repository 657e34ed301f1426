#!/usr/bin/env bash
# What every member says about itself and the others, side by side. Changes nothing; fails when a member does not answer
# or the cluster is not healthy.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # lib/fleet.sh reads them
root=/opt/meridian folder=07-tills
# shellcheck source=/dev/null
. "$here/../../lib/fleet.sh"
trap 'kb_failed "$?"' ERR

members=(
  "till-1 deploy@192.168.64.61"
  "till-2 deploy@192.168.64.62"
  "till-3 deploy@192.168.64.63"
)

problems=0
for member in "${members[@]}"; do
  printf '\n== %s\n' "${member%% *}"
  if ! remote "${member#* }" /usr/local/sbin/galera-member report </dev/null; then
    echo "does not answer"
    problems=$((problems + 1))
  fi
done

printf '\n== all together\n'
for member in "${members[@]}"; do
  if ! remote "${member#* }" /usr/local/sbin/galera-member healthy </dev/null; then
    echo "not healthy as ${member%% *} sees it"
    problems=$((problems + 1))
    continue
  fi
  echo "${member%% *}: healthy"
done
[ "$problems" -eq 0 ]
