#!/usr/bin/env bash
# Is this proxy what the model says, whom does it send queries to, and do its twins do the same? Changes
# nothing but one row in a table of its own.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

member=/usr/local/sbin/proxysql-member
self=10.0.0.173
port=3306
admin_port=6032
detection=4800
patience=$(((detection + 1999) / 1000))
interval=2000
watch_interval=60
writer_group=10
backup_group=20
reader_group=30
offline_group=9999
proxies=(10.0.0.173 10.0.0.174)
backends=(10.0.0.170 10.0.0.171 10.0.0.172)

# ask SQL: this proxy's admin interface.
ask() { mariadb --defaults-file=/etc/proxysql/admin.cnf --batch --skip-column-names --execute "$1"; }

unit_is_right() {
  same enabled enabled "$(systemctl is-enabled proxysql-docker.service)"
  same active active "$(systemctl is-active proxysql-docker.service)"
}

# One container of exactly this name, of the pinned image, as an ordinary user, with one supervisor.
container_is_right() {
  local format='{{.State.Running}} {{.Config.Image}} {{.Config.User}} {{.HostConfig.RestartPolicy.Name}} {{.HostConfig.NetworkMode}}'
  same container "true $1 6033:6033 no host" "$(docker inspect --format "$format" proxysql)"
}

file_is() { same "$1" "$2 $3" "$(stat -c "0%a $(if [[ $3 == *[0-9]* ]]; then echo %u:%g; else echo %U:%G; fi)" -- "$1")"; }

files_are_right() {
  file_is /etc/proxysql/conf/proxysql.cnf 0600 6033:6033
  file_is /etc/proxysql/mysql-variables.sqlite.sql 0600 0:0
  file_is /etc/proxysql/admin-variables.sqlite.sql 0600 0:0
  file_is /etc/proxysql/servers.sqlite.sql 0600 0:0
  file_is /etc/proxysql/users.sqlite.sql 0600 0:0
  file_is /etc/proxysql/query-rules.sqlite.sql 0600 0:0
  file_is /etc/proxysql/wanted.json 0600 0:0
  file_is /etc/proxysql/admin.cnf 0600 0:0
  file_is /etc/proxysql/stats.cnf 0600 0:0
  file_is /etc/proxysql/probe.cnf 0600 0:0
  file_is /etc/proxysql/role-passwords 0600 0:0
  file_is /etc/systemd/system/proxysql-docker.service 0644 0:0
  file_is /usr/local/sbin/proxysql-member 0755 0:0
  file_is /usr/local/sbin/proxysql-drill-writer 0755 0:0
  file_is /usr/local/bin/monitor_proxysql.sh 0755 0:0
  file_is /etc/systemd/system/monitor-proxysql.service 0644 0:0
  file_is /etc/systemd/system/monitor-proxysql.timer 0644 0:0
  # What the process keeps in there is readable for all, passwords and its key included.
  file_is /opt/keybuzz/proxysql/data 0700 6033:6033
}

# Every address that something listens on at a port, in one line.
addresses_of() { ss --no-header --listening --tcp --numeric "sport = :$1" | awk '{ sub(/:[0-9]+$/, "", $4); print $4 }' | sort -u | paste -sd ' '; }

listens_where_it_may() {
  same "addresses of $port" 0.0.0.0 "$(addresses_of "$port")"
  same "addresses of $admin_port" "$(printf '%s\n' 127.0.0.1 "$self" | sort | paste -sd ' ')" "$(addresses_of "$admin_port")"
}

# refuses USER PASSWORD: the pairs that every copy of ProxySQL is delivered with.
refuses() {
  local answer
  if answer=$(mariadb --defaults-file=<(printf '[client]\nuser=%s\npassword=%s\nssl=0\n' "$1" "$2") \
    --protocol=tcp --host=127.0.0.1 --port="$admin_port" --execute 'SELECT 1' 2>&1); then
    echo "the admin interface let $1 in with the published password"
    return 1
  fi
  [[ $answer == *'ERROR 1045'* ]] || { echo "$answer"; return 1; }
}

published_passwords_are_refused() {
  refuses admin admin
  refuses stats stats
}

stats_user_only_looks() {
  local answer
  mariadb --defaults-file=/etc/proxysql/stats.cnf --execute 'SELECT COUNT(*) FROM stats_mysql_connection_pool'
  if answer=$(mariadb --defaults-file=/etc/proxysql/stats.cnf --execute "UPDATE global_variables SET variable_value = variable_value" 2>&1); then
    echo "the user that may look could change something: $answer"
    return 1
  fi
}

# What ProxySQL only mentions, in the minute after its start, when its file has what it does not take.
log_is_clean() {
  local since lines
  since=$(date --date "$(docker inspect --format '{{.State.StartedAt}}' proxysql)" +%s)
  lines=$(journalctl --unit proxysql-docker.service --since "@$since" --until "@$((since + 60))" --output cat |
    awk '/Impossible to set|SQLITE error|Parse error|without a mandatory/ { n++ } END { print n + 0 }')
  same 'lines of its log that complain (journalctl -u proxysql-docker)' 0 "$lines"
}

hostgroups_are_active() {
  same 'hostgroups of Galera' \
    "$writer_group $backup_group $reader_group $offline_group active 1, writers 1" \
    "$(ask "SELECT writer_hostgroup || ' ' || backup_writer_hostgroup || ' ' || reader_hostgroup || ' ' || offline_hostgroup
      || ' active ' || active || ', writers ' || max_writers FROM runtime_mysql_galera_hostgroups")"
}

# A member that has just come or gone moves between hostgroups for a moment: two intervals, not one sample.
one_writer() { wait_for "$patience" "$member" writer; }
all_members_online() { wait_for "$patience" "$member" healthy; }

# The newest answer of every member to the health check: Primary, Synced, nothing that keeps clients away,
# and not older than three questions.
members_answer_well() {
  local address
  for address in "${backends[@]}"; do
    same "$address" 'YES 4 NO NO NO no error, fresh' "$(ask "
      SELECT primary_partition || ' ' || wsrep_local_state || ' ' || wsrep_desync || ' ' || read_only || ' ' || wsrep_reject_queries
        || CASE WHEN error IS NULL THEN ' no error' ELSE ' ' || error END
        || CASE WHEN time_start_us > (strftime('%s', 'now') * 1000 - 3 * $interval - 1000) * 1000 THEN ', fresh' ELSE ', old' END
      FROM monitor.mysql_server_galera_log WHERE hostname = '$address' ORDER BY time_start_us DESC LIMIT 1")"
  done
}

# The health check keeps its connections: that its password is still good shows in new ones only.
monitor_logs_in() {
  local address
  for address in "${backends[@]}"; do
    same "newest login to $address" 'no error' "$(ask "
      SELECT CASE WHEN connect_error IS NULL THEN 'no error' ELSE connect_error END
      FROM monitor.mysql_server_connect_log WHERE hostname = '$address' ORDER BY time_start_us DESC LIMIT 1")"
  done
}

# user_is NAME SCHEMA
user_is() {
  same "$1" "1 $writer_group 1 100 $2" "$(ask "
    SELECT active || ' ' || default_hostgroup || ' ' || transaction_persistent || ' ' || max_connections || ' ' || default_schema
    FROM runtime_mysql_users WHERE username = '$1' AND frontend = 1")"
}

one_rule() {
  same 'rules' ".* $writer_group 1" "$(ask "
    SELECT match_digest || ' ' || destination_hostgroup || ' ' || apply FROM runtime_mysql_query_rules WHERE active = 1 ORDER BY rule_id")"
}

# Members that wait, or only read, get nothing.
nothing_went_elsewhere() {
  same 'queries that went to the backup or reader hostgroup' 0 "$(ask "
    SELECT COALESCE(SUM(Queries), 0) FROM stats_mysql_connection_pool WHERE hostgroup IN ($backup_group, $reader_group)")"
}

twins_are_equal() {
  local address mine
  mine=$("$member" checksums)
  for address in "${proxies[@]}"; do same "checksums of $address" "$mine" "$("$member" checksums "$address")"; done
}

twins_agree_on_the_writer() {
  local address mine
  mine=$("$member" writer)
  for address in "${proxies[@]}"; do same "writer of $address" "$mine" "$("$member" writer "$address")"; done
}

# end_to_end HOST: written, and read again in another connection.
end_to_end() {
  local stamp
  stamp="$(date +%s%N) $1"
  probe "$1" "REPLACE INTO proxysql_check (proxy, stamp) VALUES ('$self $1', '$stamp')"
  same "row through $1" "$stamp" "$(probe "$1" "SELECT stamp FROM proxysql_check WHERE proxy = '$self $1'")"
}
probe() { mariadb --defaults-file=/etc/proxysql/probe.cnf --host="$1" --batch --skip-column-names --execute "$2"; }

# enters ROLE DATABASE: with its own password, through this proxy, down to the database.
enters() {
  local role password found=''
  while IFS=' ' read -r role password; do
    if [ "$role" != "$1" ]; then continue; fi
    found=$(mariadb --defaults-file=<(printf '[client]\nuser=%s\npassword=%s\nssl=0\n' "$role" "$password") \
      --protocol=tcp --host=127.0.0.1 --port="$port" --database="$2" --batch --skip-column-names --execute 'SELECT DATABASE()')
  done </etc/proxysql/role-passwords
  same "database that $1 is in" "$2" "$found"
}

monitoring_runs() {
  same timer 'enabled active' "$(systemctl is-enabled monitor-proxysql.timer) $(systemctl is-active monitor-proxysql.timer)"
  awk -v limit=$((3 * watch_interval)) -v now="$(date +%s)" '
    $1 == "time" && now - $2 <= limit { fresh = 1 }
    END { if (!fresh) print "its status is old"; exit !fresh }' /run/monitor-proxysql/status
  # What that look saw may be over: it looks again.
  if ! systemctl start monitor-proxysql.service; then
    journalctl --unit=monitor-proxysql.service --lines=1 --output=cat --no-pager
    return 1
  fi
  grep -q '^proxysql_up 1$' /var/lib/prometheus/node-exporter/proxysql.prom
}

monitor_says_well() { same 'monitor_proxysql.sh' 'well 1' "$(grep '^well ' /run/monitor-proxysql/status)"; }

check 'proxysql-docker.service is enabled and active' unit_is_right
check 'the container runs the pinned image, supervised by systemd alone' container_is_right proxysql/proxysql:2.6.4
check 'files have their owners and modes, and the data folder is closed' files_are_right
check 'the data volume is mounted' mountpoint /opt/keybuzz/proxysql/data
check 'clients come in on every address, administrators on the private one' listens_where_it_may
check 'the published passwords are refused' published_passwords_are_refused
check 'the user of the statistics can only look' stats_user_only_looks
check 'every table and variable that runs is as rendered' "$member" differences
check 'its log has no complaint from its start' log_is_clean
check 'the hostgroups of Galera are active' hostgroups_are_active
check 'there is exactly one writer' one_writer
check 'all members are online, in the eyes of every proxy' all_members_online
check 'every member answers the health check well' members_answer_well
check 'the monitor can log in to every member' monitor_logs_in
check 'one rule sends everything to the writer' one_rule
check 'no query went anywhere else' nothing_went_elsewhere
check 'user erpnext: hostgroup, limit, database' user_is erpnext erpnext
check 'user erpnext gets through to its database' enters erpnext erpnext
check 'the twins have the same configuration' twins_are_equal
check 'the twins have the same writer' twins_agree_on_the_writer
check 'a row is written and read through this proxy' end_to_end 127.0.0.1
check 'a row is written and read through mariadb' end_to_end 10.0.0.20
check 'the monitoring script looks, by its timer' monitoring_runs
check 'the monitoring script finds the proxy well' monitor_says_well
check_summary
