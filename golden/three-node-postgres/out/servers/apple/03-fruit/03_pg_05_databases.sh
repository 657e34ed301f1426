#!/usr/bin/env bash
# Creates roles, databases and extensions on the leader, whichever member that is now, and gives
# roles their passwords. Passwords travel over stdin; psql turns them into SCRAM verifiers before
# they leave this host, so that neither the network nor a log of the server sees them.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

superuser=postgres
port=5544

# psql_on ADDRESS ARGUMENT...: psql of the container, as superuser. Without a terminal it asks for
# passwords on stdin.
psql_on() {
  local address=$1
  shift
  docker exec --interactive --env PGPASSFILE=/etc/patroni/pgpass --env PGCONNECT_TIMEOUT=10 \
    --env PGOPTIONS='-c client_min_messages=warning' patroni \
    psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --host "$address" --port "$port" \
    --username "$superuser" --dbname postgres "$@"
}

# may_enter ADDRESS ROLE: whether the password on stdin is the role's.
may_enter() {
  docker exec --interactive --env PGCONNECT_TIMEOUT=10 patroni \
    psql --no-psqlrc --quiet --password --host "$1" --port "$port" --username "$2" --dbname postgres \
    --command 'SELECT 1' >/dev/null 2>&1
}

# Prints the address of the member that answers as primary.
find_leader() {
  local address
  for address in 172.20.9.1 172.20.9.2 172.20.9.3; do
    if curl --silent --fail --max-time 5 --output /dev/null \
      "http://$address:8118/primary"; then
      echo "$address"
      return 0
    fi
  done
  return 1
}

wait_for 30 find_leader
leader=$(find_leader)
log "the leader is $leader"

psql_on "$leader" --file /etc/patroni/databases.sql </dev/null

while IFS=' ' read -r role password <&3; do
  if may_enter "$leader" "$role" <<<"$password"; then continue; fi
  psql_on "$leader" --command "\\password \"$role\"" 2>/dev/null <<<"$password"$'\n'"$password"
  may_enter "$leader" "$role" <<<"$password" || fail "$role cannot log in with the password it was given"
  log "set the password of $role"
done 3</etc/patroni/role-passwords
log "roles, databases and extensions are as the topology has them"
