#!/usr/bin/env bash
# What every proxy says about itself and the members, side by side. Changes nothing; fails when a proxy
# does not answer, or the proxies are not well together.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # lib/fleet.sh reads them
root=/opt/meridian folder=08-door
# shellcheck source=/dev/null
. "$here/../../lib/fleet.sh"
trap 'kb_failed "$?"' ERR

members=(
  "door-1 deploy@192.168.64.21"
  "door-2 deploy@192.168.64.22"
)

problems=0
for member in "${members[@]}"; do
  printf '\n== %s\n' "${member%% *}"
  if ! remote "${member#* }" /usr/local/sbin/proxysql-member report </dev/null; then
    echo "does not answer"
    problems=$((problems + 1))
  fi
done

printf '\n== all together\n'
for member in "${members[@]}"; do
  if ! writer=$(remote "${member#* }" /usr/local/sbin/proxysql-member healthy </dev/null); then
    echo "not healthy as ${member%% *} sees it"
    problems=$((problems + 1))
    continue
  fi
  echo "${member%% *}: healthy, $writer writes"
done
[ "$problems" -eq 0 ]
