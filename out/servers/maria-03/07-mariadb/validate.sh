#!/usr/bin/env bash
# Is this member what the model says, does it agree with the others, and does a row come back through the official address?
# Writes nothing but one row into the module's own database.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

name=maria-03
self=10.0.0.172
probe_database=probe
buffer_pool=1024
log_file_size=512
unit=mariadb-docker.service
addresses=(
  10.0.0.170
  10.0.0.171
  10.0.0.172
)

# query SQL: one value or more, of this member, as root.
query() { galera-member sql --batch --skip-column-names <<<"$1"; }

# asked WHAT WANTED SQL: a question that was not answered is a failure too, also where nothing is wanted.
asked() {
  local found
  found=$(query "$3")
  same "$1" "$2" "$found"
}

variable_is() { asked "$1" "$2" "SELECT @@global.$1"; }
status_is() { asked "$1" "$2" "SELECT variable_value FROM information_schema.global_status WHERE variable_name = '$1'"; }

unit_is_right() {
  same enabled enabled "$(systemctl is-enabled "$unit")"
  same active active "$(systemctl is-active "$unit")"
}

# One container of exactly this name, of the pinned image, as the image's user, with one supervisor.
container_is_right() {
  local format='{{.State.Running}} {{.Config.Image}} {{.Config.User}} {{.HostConfig.RestartPolicy.Name}} {{.HostConfig.NetworkMode}}'
  same container "true $1 $2 no host" "$(docker inspect --format "$format" mariadb)"
}

# What would begin a second cluster at the next start.
nothing_bootstraps() {
  local found
  found=$(systemctl cat "$unit" | grep -n 'wsrep.new.cluster' || true)
  same 'the unit begins a cluster' '' "$found"
  if [ -e /run/mariadb-bootstrap ]; then
    echo '/run/mariadb-bootstrap permits the next start to begin a cluster'
    return 1
  fi
  variable_is wsrep_cluster_address "gcomm://10.0.0.170:4567,10.0.0.171:4567,10.0.0.172:4567"
}

# file_is PATH MODE OWNER
file_is() { same "$1" "$2 $3" "$(stat -c "0%a $(if [[ $3 == *[0-9]* ]]; then echo %u:%g; else echo %U:%G; fi)" -- "$1")"; }

files_are_right() {
  file_is /etc/mariadb/my.cnf 0644 0:0
  file_is /etc/mariadb/monitor.cnf 0600 0:0
  file_is /etc/mariadb/probe.cnf 0600 0:0
  file_is /etc/mariadb/databases.mysql.sql 0644 0:0
  file_is /etc/mariadb/access.mysql.sql 0644 0:0
  file_is /etc/mariadb/user-passwords 0600 0:0
  file_is /etc/mariadb/drill-writer.sh 0755 0:0
  file_is /etc/systemd/system/mariadb-docker.service 0644 0:0
  file_is /usr/local/sbin/galera-member 0755 0:0
  file_is /usr/local/bin/monitor_galera.sh 0755 0:0
  file_is /etc/systemd/system/monitor-galera.service 0644 0:0
  file_is /etc/systemd/system/monitor-galera.timer 0644 0:0
  file_is /opt/keybuzz/mariadb/data 0700 999:999
}

# listens_only_on PORT: on the private address, and on no other.
listens_only_on() { same "listeners of port $1" "$self:$1" "$(ss --no-header --listening --numeric --tcp "sport = :$1" | awk '{ print $4 }')"; }

# all_accept PORT: this member reaches every other one there.
all_accept() {
  local address
  for address in "${addresses[@]}"; do
    # shellcheck disable=SC2016  # it is the inner bash that expands it
    if ! timeout 5 bash -c ': <"/dev/tcp/$1/$2"' accepts "$address" "$1"; then
      echo "$address does not accept connections on port $1"
      return 1
    fi
  done
}

is_in_the_cluster() {
  status_is wsrep_cluster_status Primary
  status_is wsrep_cluster_size "${#addresses[@]}"
}

is_synced() {
  status_is wsrep_local_state_comment Synced
  status_is wsrep_ready ON
  status_is wsrep_connected ON
  status_is wsrep_desync_count 0
  variable_is wsrep_reject_queries NONE
}

# provider_option_is NAME VALUE: as Galera runs with it.
provider_option_is() {
  local found
  found=$(query 'SELECT @@wsrep_provider_options' | tr ';' '\n' | sed -n "s/^ *${1//./\\.} = //p")
  same "$1" "${2,,}" "${found,,}"
}

provider_options_are_effective() {
  provider_option_is gmcast.listen_addr "tcp://$self:4567"
  provider_option_is gcache.size 1024M
  provider_option_is evs.keepalive_period PT3S
  provider_option_is evs.suspect_timeout PT10S
  provider_option_is evs.inactive_timeout PT30S
  provider_option_is gcs.fc_factor 1.0
  provider_option_is gcs.fc_limit 256
  provider_option_is gcs.fc_single_primary yes
  provider_option_is pc.recovery true
}

parameters_are_effective() {
  variable_is max_connections 500
  # It may be rounded up.
  asked 'innodb_buffer_pool_size is large enough' 1 "SELECT @@innodb_buffer_pool_size >= $buffer_pool * 1048576"
  variable_is innodb_log_file_size "$((log_file_size * 1048576))"
  variable_is innodb_autoinc_lock_mode 2
  variable_is binlog_format ROW
  variable_is default_storage_engine InnoDB
  variable_is wsrep_on 1
  variable_is wsrep_sst_method rsync
  variable_is wsrep_cluster_name keybuzz-galera
  variable_is wsrep_node_name "$name"
  variable_is wsrep_node_address "$self"
  variable_is wsrep_slave_threads 4
  variable_is character_set_server utf8mb4
  variable_is collation_server utf8mb4_unicode_ci
  variable_is skip_name_resolve 1
}

is_not_outdated() {
  local since file
  since=$(date --date "$(docker inspect --format '{{.State.StartedAt}}' mariadb)" +%s)
  for file in /etc/mariadb/my.cnf /etc/systemd/system/mariadb-docker.service; do
    if [ "$(stat -c %Y -- "$file")" -gt "$since" ]; then
      echo "$file is newer than the container: galera-member restart"
      return 1
    fi
  done
}

# Galera carries InnoDB only; what is written to another table stays on the member that it was written on.
tables_are_innodb() {
  asked 'tables that are not replicated' '' "
    SELECT CONCAT(table_schema, '.', table_name, ' is ', engine) FROM information_schema.tables
     WHERE table_type = 'BASE TABLE' AND engine <> 'InnoDB'
       AND table_schema NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema')"
}

accounts_are_narrow() {
  asked 'accounts without a name' '' "SELECT QUOTE(Host) FROM mysql.global_priv WHERE User = ''"
  asked 'root from elsewhere' '' "SELECT Host FROM mysql.global_priv WHERE User = 'root' AND Host <> 'localhost'"
  asked 'accounts without a password' '' "
    SELECT CONCAT(QUOTE(User), '@', QUOTE(Host)) FROM mysql.global_priv
     WHERE COALESCE(JSON_VALUE(Priv, '\$.authentication_string'), '') IN ('', 'invalid')
       AND NOT COALESCE(JSON_VALUE(Priv, '\$.account_locked'), 0) AND NOT COALESCE(JSON_VALUE(Priv, '\$.is_role'), 0)"
  asked 'database test' '' "SELECT schema_name FROM information_schema.schemata WHERE schema_name = 'test'"
}

hosts=(10.0.0.170 10.0.0.171 10.0.0.172 10.0.0.173 10.0.0.174)

# user_is USER DATABASE...: may come from where the firewall admits, has all rights on these databases, and no other right.
user_is() {
  local user=$1
  shift
  asked "hosts of $user" "$(printf '%s\n' "${hosts[@]}" | sort)" \
    "SELECT Host FROM mysql.global_priv WHERE User = '$user' ORDER BY BINARY Host"
  asked "rights of $user on everything" '' "
    SELECT grantee, privilege_type FROM information_schema.user_privileges
     WHERE grantee LIKE '\\'$user\\'@%' AND privilege_type <> 'USAGE'"
  asked "databases of $user" "$(if [ "$#" -gt 0 ]; then printf '%s\n' "$@" | sort; fi)" "
    SELECT DISTINCT REPLACE(Db, '\\\\_', '_') AS name FROM mysql.db WHERE User = '$user' ORDER BY BINARY name"
}

# database_is NAME: as new tables in it will be.
database_is() {
  asked "character set of $1" 'utf8mb4 utf8mb4_unicode_ci' "
    SELECT CONCAT(default_character_set_name, ' ', default_collation_name)
      FROM information_schema.schemata WHERE schema_name = '$1'"
}

# may_enter USER DATABASE: through the official address, with the user's own password and with no other.
may_enter() {
  local found
  found=$(galera-member login "$1" "$2")
  same "$1 in $2" "$2" "$found"
  if galera-member login "$1" "$2" wrong >/dev/null 2>&1; then
    echo "$1 enters $2 with a wrong password"
    return 1
  fi
}

# A row, through the official address and back, and then on this member.
row_comes_back() {
  local stamp found
  stamp=$(date +%s%N)
  galera-member probe --execute "CREATE TABLE IF NOT EXISTS validation (member VARCHAR(64) PRIMARY KEY, stamp BIGINT NOT NULL);
    REPLACE INTO validation VALUES ('$name', $stamp)" </dev/null
  found=$(galera-member probe --batch --skip-column-names --execute \
    "SELECT COUNT(*) FROM validation WHERE member = '$name' AND stamp = $stamp" </dev/null)
  same 'rows through the official address' 1 "$found"
  # Wait for what was committed elsewhere to be applied here.
  asked 'rows on this member' 1 "SET SESSION wsrep_sync_wait = 1;
    SELECT COUNT(*) FROM $probe_database.validation WHERE member = '$name' AND stamp = $stamp"
}

# Since its timer runs, its status is never older than a look and the pause before it. What that look saw may be over:
# it looks again.
monitoring_runs() {
  same timer 'enabled active' "$(systemctl is-enabled monitor-galera.timer) $(systemctl is-active monitor-galera.timer)"
  awk -v now="$(date +%s)" -v most=60 '
    $1 == "time" { fresh = now - $2 <= most + 60 }
    END { if (!fresh) print "its status is old"; exit !fresh }' /run/monitor-galera/status
  if systemctl start monitor-galera.service; then return 0; fi
  journalctl --unit=monitor-galera.service --lines=1 --output=cat --no-pager
  return 1
}

check "$unit is enabled and active" unit_is_right
check 'the container runs the pinned image, supervised by systemd alone' container_is_right mariadb:10.11.6 999:999
check 'no start of this member begins a cluster' nothing_bootstraps
check 'files have their owners and modes' files_are_right
check 'the data volume is mounted' mountpoint /opt/keybuzz/mariadb/data
check 'SQL is offered on the private address only' listens_only_on 3306
check 'group communication listens on the private address only' listens_only_on 4567
check 'every member accepts SQL from here' all_accept 3306
check 'every member accepts group communication from here' all_accept 4567
check 'this member is in a Primary component with all others' is_in_the_cluster
check 'this member is Synced, ready and connected' is_synced
check 'every member says the same of itself' galera-member healthy
check "Galera's options are in effect" provider_options_are_effective
check 'parameters are in effect' parameters_are_effective
check 'the server runs with the files that lie here' is_not_outdated
check 'every table is one that Galera replicates' tables_are_innodb
check 'nobody without a name or a password, root only from here' accounts_are_narrow
check 'the monitor user may see the state and nothing else' user_is monitor
check 'the probe user may use its own database and nothing else' user_is probe probe
check 'user erpnext: hosts and rights' user_is erpnext erpnext

check 'user erpnext enters erpnext through the official address' may_enter erpnext erpnext
check 'database erpnext: character set and collation' database_is erpnext
check 'a row comes back through the official address' row_comes_back
check 'the monitoring script looks, by its timer' monitoring_runs
check_summary
