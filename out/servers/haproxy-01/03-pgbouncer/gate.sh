#!/usr/bin/env bash
# May a pool be stopped now? gate.sh SERVER, asked of every pool right before; gate.sh: is all well?
# All pools are equal: gate.sh --leads says no.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
# A gate answers within ten seconds and changes nothing. 0: yes; 10: this member does not run, so that nobody would
# miss it; anything else: no, and the last line says why. A member that runs and cannot say is a no.
gate_self=haproxy-01
gate_members=" haproxy-01 haproxy-02 "

no() {
  paste -s -d ';' <<<"$*"
  exit 1
}

# asked COMMAND...: what it says is the reason, when it fails.
asked() {
  local said status=0
  said=$(timeout 8 "$@" 2>&1 </dev/null) || status=$?
  if [ "$status" -eq 124 ]; then no "$said no answer within 8 s: $*"; fi
  if [ "$status" -ne 0 ]; then no "${said:-status $status of $*}"; fi
}

# container_runs NAME [UNIT]: or is about to. Where docker does not answer, nobody knows: the container may go on.
container_runs() {
  local found
  if [ -n "${2:-}" ] && unit_active "$2"; then return 0; fi
  if ! command -v docker >/dev/null; then return 1; fi
  found=$(timeout 5 docker ps --quiet --filter "name=^/$1\$" 2>&1 </dev/null) ||
    no "docker does not say whether $1 runs: $found"
  [ -n "$found" ]
}

# gate [SERVER | --leads]: asks runs, may_stop SERVER, all_well or leads, which the module has.
gate() {
  case ${1:-} in
    '' | --leads) ;;
    -*)
      echo "usage: $0 [SERVER | --leads]" >&2
      exit 2
      ;;
    *) if [[ $gate_members != *" $1 "* ]]; then no "$1 is no member of pgbouncer"; fi ;;
  esac
  if ! runs; then
    echo "pgbouncer does not run on $gate_self"
    exit 10
  fi
  case ${1:-} in
    '') all_well ;;
    --leads) if ! leads; then no "$gate_self does not lead"; fi ;;
    *) may_stop "$1" ;;
  esac
}

port=6432
# Passwords come from a file that only root can read.
export PGPASSFILE=/etc/pgbouncer/validate.pgpass PGCONNECT_TIMEOUT=5

runs() { container_runs pgbouncer pgbouncer-docker.service; }

# query USER DATABASE SQL: through this pool.
query() {
  psql --no-psqlrc --no-password --quiet --no-align --tuples-only --set ON_ERROR_STOP=1 \
    --host 127.0.0.1 --port "$port" --username "$1" --dbname "$2" --command "$3"
}
export -f query
export port

roads=( # user and database, one for each database
  'kb_app keybuzz'
  'n8n n8n'
)

# The console lets administrators in, and a client's query gets through to the leader. One road is enough: they
# all end at the same proxy.
all_well() {
  local user database
  asked bash -c 'query "$@" >/dev/null' console pgbouncer_admin pgbouncer 'SHOW VERSION'
  if [ "${#roads[@]}" -eq 0 ]; then return 0; fi
  read -r user database <<<"${roads[0]}"
  # shellcheck disable=SC2016  # for the inner shell
  asked bash -c '[ "$(query "$1" "$2" "SELECT pg_is_in_recovery()")" = f ] || { echo "$2 is not led to the leader"; exit 1; }' \
    road "$user" "$database"
}

# Whether one can be missed is for its twins to say; a pool that is not well itself is missed least.
may_stop() {
  if [ "$1" != "$gate_self" ]; then all_well; fi
}

leads() { false; }

gate "$@"
