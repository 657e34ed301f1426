#!/usr/bin/env bash
# What every member says about itself and the others, side by side. Changes nothing; fails when a
# member does not answer or the cluster is not healthy.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # lib/fleet.sh reads them
root=/opt/meridian folder=04-jobs
# shellcheck source=/dev/null
. "$here/../../lib/fleet.sh"
trap 'kb_failed "$?"' ERR

members=(
  "jobs-1 deploy@192.168.64.41"
  "jobs-2 deploy@192.168.64.42"
  "jobs-3 deploy@192.168.64.43"
)

problems=0
for member in "${members[@]}"; do
  printf '\n== %s\n' "${member%% *}"
  if ! remote "${member#* }" /usr/local/sbin/redis-member report </dev/null; then
    echo "does not answer"
    problems=$((problems + 1))
  fi
done

printf '\n== all together\n'
for member in "${members[@]}"; do
  if ! leader=$(remote "${member#* }" /usr/local/sbin/redis-member healthy </dev/null); then
    echo "not healthy as ${member%% *} sees it"
    problems=$((problems + 1))
    continue
  fi
  echo "${member%% *}: healthy, led by $leader"
done
[ "$problems" -eq 0 ]
