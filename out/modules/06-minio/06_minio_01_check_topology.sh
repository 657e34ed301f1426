#!/usr/bin/env bash
# Compares what lies on the drives of all nodes, before any of them is started. Together they are one
# deployment, or a new one; a mixture is left to a person. Changes nothing, ever.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # lib/fleet.sh reads them
root=/opt/keybuzz-installer folder=06-minio
# shellcheck source=/dev/null
. "$here/../../lib/fleet.sh"
trap 'kb_failed "$?"' ERR

nodes=(
  "minio-02 root@10.0.0.131"
  "minio-03 root@10.0.0.132"
  "minio-01 root@10.0.0.134"
)

formatted=()
blank=()
silent=()
deployment=
for node in "${nodes[@]}"; do
  name=${node%% *}
  if ! found=$(on_host "$name" "${node#* }" "$folder/usr/local/sbin/minio-member" identity); then
    silent+=("$name")
    continue
  fi
  if [ "$found" = blank ]; then
    blank+=("$name")
    continue
  fi
  # Deployment, sets, drives, place, table of the set: all but the place must be the same everywhere.
  read -r id sets drives place table <<<"$found"
  log "$name: drive $place of $drives, $sets sets, deployment $id"
  if [ -n "$deployment" ] && [ "$deployment" != "$id $sets $drives $table" ]; then
    fail "$name holds a drive of deployment $id, ${formatted[*]} of ${deployment%% *}: volumes are mixed up.
Mount each deployment's volumes on its own nodes; nothing was started"
  fi
  deployment="$id $sets $drives $table"
  formatted+=("$name")
done

if [ "${#silent[@]}" -gt 0 ]; then
  log "nothing is known of ${silent[*]}"
fi
if [ "${#formatted[@]}" -eq 0 ]; then
  if [ "${#silent[@]}" -gt 0 ]; then fail "a new deployment begins on all nodes or on none"; fi
  log "all drives are blank: a new deployment"
elif [ "${#blank[@]}" -gt 0 ]; then
  # MinIO finds its deployment again as long as more than half of the drives know it.
  if [ "$((${#formatted[@]} * 2))" -le "${#nodes[@]}" ]; then
    fail "only ${formatted[*]} hold drives of ${deployment%% *}, ${blank[*]} are blank: too few to find it again.
Are the right volumes mounted? Nothing was started"
  fi
  log "${blank[*]} will be filled from ${formatted[*]}"
fi
