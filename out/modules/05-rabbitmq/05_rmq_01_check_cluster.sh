#!/usr/bin/env bash
# A member without data joins whom it finds, and founds a cluster of its own when it finds nobody. So
# it starts only while no member has data, or while one that has data runs.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # lib/fleet.sh reads them
root=/opt/keybuzz-installer folder=05-rabbitmq
# shellcheck source=/dev/null
. "$here/../../lib/fleet.sh"
trap 'kb_failed "$?"' ERR

members=(
  "queue-01 root@10.0.0.126"
  "queue-02 root@10.0.0.127"
  "queue-03 root@10.0.0.128"
)

data_dir=/opt/keybuzz/rabbitmq/data
with_data=()
without_data=()
running=0
for member in "${members[@]}"; do
  name=${member%% *} address=${member#* }
  remote "$address" true </dev/null || fail "$name does not answer"
  if ! remote "$address" test -d "$data_dir/mnesia/rabbit@$name" </dev/null; then
    without_data+=("$name")
    continue
  fi
  with_data+=("$name")
  state=$(remote "$address" docker ps --quiet --filter name='^rabbitmq$' --filter status=running </dev/null)
  if [ -n "$state" ]; then running=$((running + 1)); fi
done

if [ "${#with_data[@]}" -eq 0 ]; then
  log "no member has data: ${members[0]%% *} founds the cluster, the others join it"
elif [ "${#without_data[@]}" -gt 0 ] && [ "$running" -eq 0 ]; then
  fail "${with_data[*]} have data and none runs, ${without_data[*]} have none: start the former first (docker start rabbitmq)"
elif [ "${#without_data[@]}" -gt 0 ]; then
  log "${without_data[*]} will join ${with_data[*]}"
else
  log "all members have their data"
fi
