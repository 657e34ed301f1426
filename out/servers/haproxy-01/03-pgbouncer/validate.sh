#!/usr/bin/env bash
# Is this instance what the model says, and does a query get through it to the leader? Reads only.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

port=6432
admin=pgbouncer_admin
direct_host=127.0.0.1
direct_port=5432

# Passwords come from a file that only root can read.
export PGPASSFILE=/etc/pgbouncer/validate.pgpass PGCONNECT_TIMEOUT=5

# query HOST PORT USER DATABASE SQL: one value.
query() {
  psql --no-psqlrc --no-password --quiet --no-align --tuples-only --set ON_ERROR_STOP=1 \
    --host "$1" --port "$2" --username "$3" --dbname "$4" --command "$5"
}

unit_is_right() {
  same enabled enabled "$(systemctl is-enabled pgbouncer-docker.service)"
  same active active "$(systemctl is-active pgbouncer-docker.service)"
}

# One container of exactly this name, of the pinned image, as the image's user, with one supervisor.
container_is_right() {
  local format='{{.State.Running}} {{.Config.Image}} {{.Config.User}} {{.HostConfig.RestartPolicy.Name}} {{.HostConfig.NetworkMode}}'
  same container "true $1 70:70 no host" "$(docker inspect --format "$format" pgbouncer)"
}

file_is() { same "$1" "$2 $3" "$(stat -c "0%a $(if [[ $3 == *[0-9]* ]]; then echo %u:%g; else echo %U:%G; fi)" -- "$1")"; }

files_are_right() {
  file_is /etc/pgbouncer/pgbouncer.ini 0644 0:0
  file_is /etc/pgbouncer/userlist.txt 0600 70:70
  file_is /etc/pgbouncer/validate.pgpass 0600 0:0
  file_is /etc/systemd/system/pgbouncer-docker.service 0644 0:0
}

console() { query 127.0.0.1 "$port" "$admin" pgbouncer "$1"; }

# configured KEY VALUE: what the running process goes by, not what its file says.
configured() { same "$1" "$2" "$(console 'SHOW CONFIG' | awk -F '|' -v key="$1" '$1 == key { print $2 }')"; }

configuration_is_loaded() {
  configured pool_mode transaction
  configured auth_type scram-sha-256
  configured listen_addr 10.0.0.11,127.0.0.1
  configured max_client_conn 500
  configured max_db_connections 25
  configured default_pool_size 20
  configured reserve_pool_size 5
  configured max_prepared_statements 200
}

# The console answers, and nobody has waited for a connection longer than a failover may take.
nobody_waits() {
  psql --no-psqlrc --no-password --csv --host 127.0.0.1 --port "$port" --username "$admin" --dbname pgbouncer \
    --command 'SHOW POOLS' | awk -F , -v limit="$1" '
    NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
    $column["maxwait"] + 0 >= limit { print $column["database"], $column["user"], "waits", $column["maxwait"], "s"; bad = 1 }
    END { exit bad || NR < 2 }'
}

# A password is asked for: without one nobody gets in, whoever it is.
password_is_asked_for() {
  local answer
  if answer=$(PGPASSFILE=/dev/null query 127.0.0.1 "$port" "$admin" pgbouncer 'SHOW VERSION' 2>&1); then
    echo "the console let $admin in without a password"
    return 1
  fi
  [[ $answer == *'no password supplied'* ]]
}

# writes_reach_the_leader HOST PORT ROLE DATABASE
writes_reach_the_leader() {
  same 'pg_is_in_recovery' f "$(query "$1" "$2" "$3" "$4" 'SELECT pg_is_in_recovery()')"
  same user "$3" "$(query "$1" "$2" "$3" "$4" 'SELECT current_user')"
}

check 'pgbouncer-docker.service is enabled and active' unit_is_right
check 'the container runs the pinned image, supervised by systemd alone' container_is_right edoburu/pgbouncer:1.22.1-p0
check 'files have their owners and modes' files_are_right
check 'a password is asked for' password_is_asked_for
check 'the configuration that runs is the one rendered' configuration_is_loaded
check 'the console shows its pools, and nobody waits in them' nobody_waits 120
check 'kb_app reaches the leader of keybuzz through the pool' writes_reach_the_leader 127.0.0.1 "$port" kb_app keybuzz
check 'kb_app reaches the leader of keybuzz without it' writes_reach_the_leader "$direct_host" "$direct_port" kb_app keybuzz
check 'n8n reaches the leader of n8n through the pool' writes_reach_the_leader 127.0.0.1 "$port" n8n n8n
check 'n8n reaches the leader of n8n without it' writes_reach_the_leader "$direct_host" "$direct_port" n8n n8n
check_summary
