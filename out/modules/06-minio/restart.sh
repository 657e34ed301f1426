#!/usr/bin/env bash
# Restarts nodes: restart.sh --together | --one-by-one.
#   --together    all at once, for a changed configuration, image or root password: a node whose
#                 environment or version differs from the others' does not begin to serve, so that one
#                 after the other would stop at the first. Clients wait for seconds.
#   --one-by-one  for maintenance of hosts, configuration unchanged: each behind its gate and healed before
#                 the next, the entry point last. Clients notice only the entry point's own restart.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # lib/fleet.sh reads them
root=/opt/keybuzz-installer folder=06-minio
# shellcheck source=/dev/null
. "$here/../../lib/fleet.sh"
trap 'kb_failed "$?"' ERR

members=(
  "minio-02 root@10.0.0.131"
  "minio-03 root@10.0.0.132"
  "minio-01 root@10.0.0.134"
)
entry=10.0.0.134
limit=180

restart_unit() { remote "$2" systemctl restart minio-docker.service </dev/null; }
healthy() { remote "${members[0]#* }" /usr/local/sbin/minio-member healthy </dev/null; }

together() {
  local began member
  # Nothing is stopped that would not start again. Healthy they need not be: a node that waits for the
  # others because its configuration differs is what this is for.
  for member in "${members[@]}"; do
    remote "${member#* }" /usr/local/sbin/minio-member guard </dev/null || fail "${member%% *} would not start again"
  done
  # shellcheck disable=SC2034  # lib/fleet.sh acts on them
  fleet_hosts=("${members[@]}")
  began=$SECONDS
  fleet_each restart "${#members[@]}" restart_unit
  # shellcheck disable=SC2154  # and says who failed
  if [ "${#fleet_failed[@]}" -gt 0 ]; then
    fleet_explain
    fail "did not restart: ${fleet_failed[*]}"
  fi
  wait_for "$limit" healthy
  log "all nodes serve, $((SECONDS - began)) s after they were stopped"
}

one_by_one() {
  local member
  for member in "${members[@]}"; do
    if [ "${member##*@}" = "$entry" ]; then continue; fi
    log "${member%% *}"
    remote "${member#* }" /usr/local/sbin/minio-member restart </dev/null
  done
  for member in "${members[@]}"; do
    if [ "${member##*@}" != "$entry" ]; then continue; fi
    log "${member%% *}, where all clients enter"
    remote "${member#* }" /usr/local/sbin/minio-member restart </dev/null
  done
}

case ${1:-} in
  --together) together ;;
  --one-by-one) one_by_one ;;
  *)
    echo "usage: $0 --together | --one-by-one" >&2
    exit 2
    ;;
esac
