#!/usr/bin/env bash
# Is this member what the model says, and does it agree with the others? Reads only.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

name=db-slave-02
self=10.0.0.122
superuser=kb_admin
port=8008
addresses=(
  10.0.0.120
  10.0.0.121
  10.0.0.122
)

# ask ADDRESS PATH: Patroni's REST interface.
ask() { curl --silent --show-error --fail --max-time 5 "http://$1:$port/$2"; }

# status ARGUMENT... PATH: only the HTTP status, of this member.
status() {
  curl --silent --output /dev/null --max-time 5 --write-out '%{http_code}' "${@:1:$#-1}" "http://$self:$port/${*: -1}"
}

# query DATABASE SQL: one value, through the socket of the container, so it needs no password.
query() {
  docker exec patroni psql --no-psqlrc --quiet --no-align --tuples-only --set ON_ERROR_STOP=1 \
    --username "$superuser" --dbname "$1" --command "$2"
}

unit_is_right() {
  same enabled enabled "$(systemctl is-enabled patroni-docker.service)"
  same active active "$(systemctl is-active patroni-docker.service)"
}

# One container of exactly this name, of the pinned image, as the image's user, with one supervisor.
container_is_right() {
  local format='{{.State.Running}} {{.Config.Image}} {{.Config.User}} {{.HostConfig.RestartPolicy.Name}} {{.HostConfig.NetworkMode}}'
  same container "true $1 999:999 no host" "$(docker inspect --format "$format" patroni)"
}

# file_is PATH MODE OWNER
file_is() { same "$1" "$2 $3" "$(stat -c "0%a $(if [[ $3 == *[0-9]* ]]; then echo %u:%g; else echo %U:%G; fi)" -- "$1")"; }

files_are_right() {
  file_is /etc/patroni/patroni.yml 0644 0:0
  file_is /etc/patroni/patroni.env 0600 0:0
  file_is /etc/patroni/pgpass 0600 999:999
  file_is /etc/patroni/role-passwords 0600 0:0
  file_is /etc/patroni/databases.sql 0644 0:0
  file_is /etc/systemd/system/patroni-docker.service 0644 0:0
  file_is /etc/patroni/drill-writer.sh 0755 0:0
  file_is /usr/local/sbin/pg-member 0755 0:0
  file_is /opt/keybuzz/postgres/data 0700 999:999
}

all_members_known() { same members "${#addresses[@]}" "$(ask "$self" cluster | jq '.members | length')"; }

leaders_seen_by() {
  ask "$1" cluster | jq --raw-output '[.members[] | select(.role == "leader" and .state == "running") | .name] | join(" ")'
}

# Every member is asked; all must name the same one.
one_leader() {
  local address wanted
  wanted=$(leaders_seen_by "$self")
  if [[ $wanted != ?* || $wanted == *' '* ]]; then same 'leaders' 'exactly one' "$wanted"; fi
  for address in "${addresses[@]}"; do
    same "leader in the eyes of $address" "$wanted" "$(leaders_seen_by "$address")"
  done
}

leads_or_streams() {
  ask "$self" cluster | jq --exit-status --arg name "$name" --argjson limit 1048576 '
    (.members[] | select(.role == "leader")) as $leader |
    .members[] | select(.name == $name) | debug |
    if .role == "leader" then .state == "running"
    else .state == "streaming" and .timeline == $leader.timeline and (.lag | type) == "number" and .lag <= $limit
    end'
}

# What the proxies are told, and what PostgreSQL itself says, must be the same.
role_is_true() {
  local wanted=503
  if [ "$(query postgres 'SELECT pg_is_in_recovery()')" = f ]; then wanted=200; fi
  same 'GET /primary' "$wanted" "$(status primary)"
}

rest_is_guarded() { same 'PATCH /config without a password' 401 "$(status --request PATCH --data '{}' config)"; }

# config_is KEY VALUE: what the DCS holds.
config_is() { same "$1" "$2" "$(ask "$self" config | jq ".$1")"; }

cluster_is_configured() {
  config_is ttl 30
  config_is loop_wait 10
  config_is retry_timeout 10
  config_is maximum_lag_on_failover 1048576
  config_is synchronous_mode false
  same pause null "$(ask "$self" cluster | jq '.pause')"
}

parameter_is() { same "$1" "$2" "$(query postgres "SHOW $1")"; }

parameters_are_effective() {
  parameter_is max_connections 200
  parameter_is superuser_reserved_connections 3
  parameter_is password_encryption scram-sha-256
  parameter_is data_checksums on
  same 'parameters that wait for a restart' '' "$(query postgres 'SELECT name FROM pg_settings WHERE pending_restart')"
}

# pg_hba.conf as PostgreSQL has read it: no line in error, nobody from everywhere, no password in clear.
access_is_narrow() {
  same 'lines of pg_hba.conf that are wrong' '' "$(query postgres 'SELECT line_number FROM pg_hba_file_rules WHERE error IS NOT NULL')"
  same 'lines of pg_hba.conf that are too wide' '' "$(query postgres "
    SELECT line_number FROM pg_hba_file_rules
     WHERE auth_method NOT IN ('scram-sha-256', 'peer') OR address IN ('0.0.0.0', '::', 'all')")"
}

passwords_are_scram() {
  same 'roles without a SCRAM verifier' '' "$(query postgres "
    SELECT rolname FROM pg_authid
     WHERE rolcanlogin AND (rolpassword IS NULL OR rolpassword NOT LIKE 'SCRAM-SHA-256\$%')")"
}

# database_is NAME OWNER EXTENSION...
database_is() {
  local extension
  same owner "$2" "$(query "$1" 'SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()')"
  same 'CONNECT for everybody' f "$(query "$1" "SELECT has_database_privilege('public', current_database(), 'CONNECT')")"
  for extension in "${@:3}"; do
    same "extension $extension" "$extension" "$(query "$1" "SELECT extname FROM pg_extension WHERE extname = '$extension'")"
  done
}

check 'patroni-docker.service is enabled and active' unit_is_right
check 'the container runs the pinned image, supervised by systemd alone' container_is_right keybuzz/patroni-pg16-raft:16.4-3.3.6
check 'files have their owners and modes' files_are_right
check 'the data volume is mounted' mountpoint /opt/keybuzz/postgres/data
check 'this member is healthy' ask "$self" health
check 'the cluster knows all its members' all_members_known
check 'all members name the same single leader' one_leader
check 'this member leads, or streams without falling behind' leads_or_streams
check 'Patroni and PostgreSQL agree on the role' role_is_true
check 'Patroni refuses changes without a password' rest_is_guarded
check 'the configuration in the DCS is the one rendered, and nobody paused it' cluster_is_configured
check 'parameters are in effect' parameters_are_effective
check 'access is as narrow as rendered' access_is_narrow
check 'every password is kept as a SCRAM verifier' passwords_are_scram
check 'database keybuzz: owner, rights, extensions' database_is keybuzz kb_app vector
check 'database n8n: owner, rights, extensions' database_is n8n n8n uuid-ossp
check 'database chatwoot: owner, rights, extensions' database_is chatwoot chatwoot pg_stat_statements pgcrypto uuid-ossp vector
check_summary
