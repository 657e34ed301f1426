#!/usr/bin/env bash
# One look at this proxy: members by hostgroup and status, connections, errors, the monitor's answers. Writes
# /run/monitor-proxysql/status for people and scripts, and metrics for node_exporter's textfile collector.
# Prints one line, and fails when the proxy is not well, so that its unit shows it.
set -euo pipefail

status=/run/monitor-proxysql/status
metrics=/var/lib/prometheus/node-exporter/proxysql.prom
writer_group=10
backup_group=20
members=(10.0.0.170 10.0.0.171 10.0.0.172)

# The user that may look sees no runtime tables; stats_mysql_connection_pool has the same members,
# hostgroups and statuses.
ask() { mariadb --defaults-file=/etc/proxysql/stats.cnf --batch --skip-column-names --execute "$1"; }

# bad TABLE COLUMN: members whose newest answer in that log is an error.
bad() {
  ask "SELECT COUNT(*) FROM monitor.$1 AS newest WHERE $2 IS NOT NULL AND time_start_us =
    (SELECT MAX(time_start_us) FROM monitor.$1 WHERE hostname = newest.hostname)"
}

# Only a new login shows a password that has become wrong: the health check keeps its connections.
look() {
  pool=$(ask 'SELECT hostgroup, srv_host, status, ConnUsed, ConnFree, ConnERR, Queries
    FROM stats_mysql_connection_pool ORDER BY hostgroup, srv_host') &&
    clients=$(ask "SELECT Variable_Value FROM stats_mysql_global WHERE Variable_Name = 'Client_Connections_connected'") &&
    bad_logins=$(bad mysql_server_connect_log connect_error) &&
    bad_checks=$(bad mysql_server_galera_log error)
}

up=1 pool='' clients=0 bad_logins=0 bad_checks=0
if ! look; then up=0 pool=''; fi

# The members that are ONLINE in one of the hostgroups, each once.
online_in() {
  awk -F '\t' -v groups=" $* " '$3 == "ONLINE" && index(groups, " " $1 " ") && !seen[$2]++ { print $2 }' <<<"$pool"
}
mapfile -t writers < <(online_in "$writer_group")
mapfile -t online < <(online_in "$writer_group" "$backup_group")

complaints=()
if [ "$up" -eq 0 ]; then complaints+=('the admin interface does not answer'); fi
if [ "${#writers[@]}" -ne 1 ]; then complaints+=("${#writers[@]} writers"); fi
if [ "${#online[@]}" -ne "${#members[@]}" ]; then complaints+=("${#online[@]} of ${#members[@]} members online"); fi
if [ "$bad_logins" -ne 0 ]; then complaints+=("the monitor cannot log in to $bad_logins members"); fi

# Whoever reads the file sees the old text or the new one, never half of it.
replace() {
  cat >"$1.new"
  chmod 0644 "$1.new"
  mv -f -- "$1.new" "$1"
}

# How many members have which status in which hostgroup: hostgroup, status, number.
by_status() {
  awk -F '\t' 'NF { n[$1 " " $3]++ } END { for (key in n) print key, n[key] }' <<<"$pool" | sort
}

say_status() {
  printf '%s %s\n' well "$((${#complaints[@]} == 0))" up "$up" writer "${writers[0]:-none}" \
    writers "${#writers[@]}" online "${#online[@]}" members "${#members[@]}" clients "$clients" \
    monitor_login_errors "$bad_logins" monitor_check_errors "$bad_checks" time "$(date +%s)"
  by_status | awk '{ print "hostgroup_" $1 "_" tolower($2), $3 }'
}

# metric NAME TYPE HELP: what follows on stdin are its samples, without the name.
metric() {
  printf '# HELP %s %s\n# TYPE %s %s\n' "$1" "$3" "$1" "$2"
  awk -v name="$1" 'NF { print name $0 }'
}

# of_members COLUMN: one sample a member and hostgroup.
of_members() {
  awk -F '\t' -v column="$1" 'NF { printf "{hostgroup=\"%s\",member=\"%s\"} %d\n", $1, $2, $column }' <<<"$pool"
}

say_metrics() {
  metric proxysql_up gauge 'The admin interface answers.' <<<" $up"
  metric proxysql_writers gauge 'Members that are ONLINE in the writer hostgroup; must be 1.' <<<" ${#writers[@]}"
  metric proxysql_members gauge 'Members that are configured.' <<<" ${#members[@]}"
  metric proxysql_members_online gauge 'Members that are ONLINE as writer or backup.' <<<" ${#online[@]}"
  metric proxysql_clients gauge 'Clients that are connected.' <<<" $clients"
  metric proxysql_monitor_login_errors gauge 'Members whose newest login by the monitor failed.' <<<" $bad_logins"
  metric proxysql_monitor_check_errors gauge 'Members whose newest health check failed.' <<<" $bad_checks"
  by_status | awk '{ printf "{hostgroup=\"%s\",status=\"%s\"} %d\n", $1, $2, $3 }' |
    metric proxysql_servers gauge 'Members by hostgroup and status.'
  of_members 4 | metric proxysql_connections_used gauge 'Connections to members that serve a client.'
  of_members 5 | metric proxysql_connections_free gauge 'Connections to members that wait for one.'
  of_members 6 | metric proxysql_connection_errors_total counter 'Connections to members that failed.'
  of_members 7 | metric proxysql_queries_total counter 'Queries that were sent to members.'
  metric proxysql_last_look_seconds gauge 'When this was written.' <<<" $(date +%s)"
}

say_status | replace "$status"
say_metrics | replace "$metrics"

if [ "${#complaints[@]}" -gt 0 ]; then
  printf -v text '%s; ' "${complaints[@]}"
  echo "<3>not well: ${text%; }"
  exit 1
fi
echo "well: ${writers[0]} writes, ${#online[@]} of ${#members[@]} members online, $clients clients"
