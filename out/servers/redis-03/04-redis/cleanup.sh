#!/usr/bin/env bash
# Takes the member off this host: cleanup.sh --yes=<topology>/<service> [--delete-data=<server>].
# Credentials stay. Without the second argument the data stays as well, with what was learned, and
# installing again goes on where it was; with it data/ and sentinel/ are emptied.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

server="redis-03"
data_dir=/opt/keybuzz/redis/data
wanted=--yes=keybuzz/redis
delete=--delete-data=$server

if [ "${1:-}" != "$wanted" ]; then
  fail "this stops Redis and its Sentinel on $server; if that is meant: $0 $wanted"
fi
if [ "$#" -gt 2 ] || { [ -n "${2:-}" ] && [ "$2" != "$delete" ]; }; then
  fail "to delete what Redis holds on $server as well: $0 $wanted $delete"
fi

# First, so that installing again begins at the beginning even when this does not come to its end.
rm -rf -- /opt/keybuzz-installer/state/receipts/04-redis

# Redis first: while its Sentinel still runs it can hand over.
for container in redis redis-sentinel; do
  unit=$container-docker.service
  if unit_exists "$unit"; then
    log "stopping $unit"
    systemctl disable --now "$unit"
  fi
  if docker container inspect "$container" >/dev/null 2>&1; then docker rm --force "$container"; fi
done

remove_file /etc/redis/redis.conf
remove_file /etc/redis/sentinel.conf
remove_file /etc/redis/client.env
remove_file /etc/systemd/system/redis-docker.service
remove_file /etc/systemd/system/redis-sentinel-docker.service
remove_file /usr/local/sbin/redis-member
systemctl daemon-reload
rm -rf -- /run/redis-member

if [ "${2:-}" != "$delete" ]; then
  log "the data stays in $data_dir"
  exit 0
fi
for folder in "$data_dir/redis" "$data_dir/sentinel"; do
  if [ -d "$folder" ]; then find "$folder" -xdev -mindepth 1 -not -name lost+found -delete; fi
done
log "$data_dir is empty"
