#!/usr/bin/env bash
# Takes the member off this host: cleanup.sh --yes=<topology>/<service> [--delete-data=<server>]. Credentials stay. Without
# the second argument the data stays as well, and installing again goes on where it was.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

server=maria-03
data_dir=/opt/keybuzz/mariadb
wanted=--yes=keybuzz/mariadb
delete=--delete-data=$server

if [ "${1:-}" != "$wanted" ]; then
  fail "this stops MariaDB on $server and takes it out of service; if that is meant: $0 $wanted"
fi
if [ "$#" -gt 2 ] || { [ -n "${2:-}" ] && [ "$2" != "$delete" ]; }; then
  fail "to delete what MariaDB holds on $server as well: $0 $wanted $delete"
fi

# First, so that installing again begins at the beginning even when this does not come to its end.
rm -rf -- /opt/keybuzz-installer/state/receipts/07-mariadb

for unit in monitor-galera.timer monitor-galera.service mariadb-docker.service; do
  if ! unit_exists "$unit"; then continue; fi
  log "stopping $unit"
  systemctl disable --now "$unit"
done
if docker container inspect mariadb >/dev/null 2>&1; then docker rm --force mariadb; fi

remove_file /etc/mariadb/my.cnf
remove_file /etc/mariadb/monitor.cnf
remove_file /etc/mariadb/probe.cnf
remove_file /etc/mariadb/databases.mysql.sql
remove_file /etc/mariadb/access.mysql.sql
remove_file /etc/mariadb/user-passwords
remove_file /etc/mariadb/drill-writer.sh
remove_file /etc/systemd/system/mariadb-docker.service
remove_file /usr/local/sbin/galera-member
remove_file /usr/local/bin/monitor_galera.sh
remove_file /etc/systemd/system/monitor-galera.service
remove_file /etc/systemd/system/monitor-galera.timer
remove_file /var/lib/prometheus/node-exporter/galera.prom
systemctl daemon-reload

if [ "${2:-}" != "$delete" ]; then
  log "the data stays in $data_dir"
  exit 0
fi
if [ -d "$data_dir/data" ]; then
  find "$data_dir/data" -mindepth 1 -maxdepth 1 ! -name lost+found -exec rm -rf --one-file-system -- {} +
fi
log "$data_dir/data is empty"
