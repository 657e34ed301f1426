#!/usr/bin/env bash
# Takes the member off this host: cleanup.sh --yes=<topology>/<service> [--delete-data=<server>].
# Credentials stay. Without the second argument the data stays as well, and installing again goes
# on where it was; with it data/ and raft/ are emptied, both, because one without the other makes a
# member that never finds its cluster.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

server=db-master-01
data_dir=/opt/keybuzz/postgres
wanted=--yes=keybuzz/postgres
delete=--delete-data=$server

if [ "${1:-}" != "$wanted" ]; then
  fail "this stops PostgreSQL on $server and takes it out of service; if that is meant: $0 $wanted"
fi
if [ "$#" -gt 2 ] || { [ -n "${2:-}" ] && [ "$2" != "$delete" ]; }; then
  fail "to delete what PostgreSQL holds on $server as well: $0 $wanted $delete"
fi

# First, so that installing again begins at the beginning even when this does not come to its end.
rm -rf -- /opt/keybuzz-installer/state/receipts/03-postgres

unit=patroni-docker.service
if unit_exists "$unit"; then
  log "stopping $unit"
  systemctl disable --now "$unit"
fi
if docker container inspect patroni >/dev/null 2>&1; then docker rm --force patroni; fi

remove_file /etc/patroni/patroni.yml
remove_file /etc/patroni/patroni.env
remove_file /etc/patroni/pgpass
remove_file /etc/patroni/role-passwords
remove_file /etc/patroni/databases.sql
remove_file /etc/systemd/system/patroni-docker.service
remove_file /etc/patroni/drill-writer.sh
remove_file /usr/local/sbin/pg-member
systemctl daemon-reload

if [ "${2:-}" != "$delete" ]; then
  log "the data stays in $data_dir"
  exit 0
fi
for folder in "$data_dir/data" "$data_dir/raft"; do
  if [ -d "$folder" ]; then find "$folder" -xdev -mindepth 1 -delete; fi
done
log "$data_dir is empty"
