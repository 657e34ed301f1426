#!/usr/bin/env bash
# Takes the proxy off this host: cleanup.sh --yes=<topology>/<service>. Credentials stay, and the data of the
# databases is elsewhere; the process's own folder holds nothing that must be kept.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

wanted=--yes=meridian/door
if [ "${1:-}" != "$wanted" ]; then
  fail "this stops the proxy on door-1, and its clients lose their connections; if that is meant: $0 $wanted"
fi
if [ "$#" -gt 1 ]; then fail "there is nothing else to say than $wanted"; fi

# First, so that installing again begins at the beginning even when this does not come to its end.
rm -rf -- /opt/meridian/state/receipts/08-door

for unit in monitor-proxysql.timer monitor-proxysql.service proxysql-docker.service; do
  if ! unit_exists "$unit"; then continue; fi
  log "stopping $unit"
  systemctl disable --now "$unit"
done
if docker container inspect proxysql >/dev/null 2>&1; then docker rm --force proxysql; fi
remove_file /etc/proxysql/conf/proxysql.cnf
remove_file /etc/proxysql/mysql-variables.sqlite.sql
remove_file /etc/proxysql/admin-variables.sqlite.sql
remove_file /etc/proxysql/servers.sqlite.sql
remove_file /etc/proxysql/users.sqlite.sql
remove_file /etc/proxysql/query-rules.sqlite.sql
remove_file /etc/proxysql/wanted.json
remove_file /etc/proxysql/admin.cnf
remove_file /etc/proxysql/stats.cnf
remove_file /etc/proxysql/probe.cnf
remove_file /etc/proxysql/role-passwords
remove_file /etc/systemd/system/proxysql-docker.service
remove_file /usr/local/sbin/proxysql-member
remove_file /usr/local/sbin/proxysql-drill-writer
remove_file /usr/local/bin/monitor_proxysql.sh
remove_file /etc/systemd/system/monitor-proxysql.service
remove_file /etc/systemd/system/monitor-proxysql.timer
remove_file /etc/proxysql/admin.before.cnf
remove_file /var/lib/prometheus/node-exporter/proxysql.prom
systemctl daemon-reload

# Only what ProxySQL itself makes there.
data_dir=/var/lib/proxysql
for file in proxysql.db proxysql.db.bak proxysql_stats.db proxysql.log proxysql.pid proxysql-ca.pem proxysql-cert.pem proxysql-key.pem; do
  remove_file "$data_dir/$file"
done
for folder in "$data_dir" /etc/proxysql/conf /etc/proxysql; do
  if [ -d "$folder" ] && ! mountpoint --quiet -- "$folder"; then rmdir --ignore-fail-on-non-empty -- "$folder"; fi
done
