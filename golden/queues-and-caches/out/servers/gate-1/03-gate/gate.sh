#!/usr/bin/env bash
# May a proxy be stopped now? gate.sh SERVER, asked of every proxy right before; gate.sh: is all well?
# All proxies are equal: gate.sh --leads says no.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
# A gate answers within ten seconds and changes nothing. 0: yes; 10: this member does not run, so that nobody would
# miss it; anything else: no, and the last line says why. A member that runs and cannot say is a no.
gate_self=gate-1
gate_members=" gate-1 gate-2 "

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
    *) if [[ $gate_members != *" $1 "* ]]; then no "$1 is no member of gate"; fi ;;
  esac
  if ! runs; then
    echo "gate does not run on $gate_self"
    exit 10
  fi
  case ${1:-} in
    '') all_well ;;
    --leads) if ! leads; then no "$gate_self does not lead"; fi ;;
    *) may_stop "$1" ;;
  esac
}

# Listener, its port, the port that checks go to, addresses of its members.
fronts=(
  'parcels-amqp 5672 5672 192.168.64.31 192.168.64.32 192.168.64.33 192.168.64.34 192.168.64.35'
  'jobs-redis 6379 6379 192.168.64.41 192.168.64.42 192.168.64.43'
  'sessions-redis 6390 6390 192.168.64.51 192.168.64.52 192.168.64.53'
)

runs() { container_runs haproxy haproxy-docker.service; }

# shellcheck disable=SC2016  # for the inner shell
accepts() { timeout 1 bash -c ': <"/dev/tcp/$1/$2"' accepts "$1" "$2" 2>/dev/null; }

# How many members of LISTENER get clients, by HAProxy's own table on stdin; its columns are found by their names.
members_up() {
  awk -F , -v listener="$1" '
    NR == 1 { sub(/^# /, ""); for (i = 1; i <= NF; i++) column[$i] = i; next }
    $column["pxname"] == listener && $column["svname"] !~ /^(FRONTEND|BACKEND)$/ && $column["status"] ~ /^UP/ { up++ }
    END { print up + 0 }'
}

# answering PORT ADDRESS...: those that accept, all asked at once.
answering() {
  local port=$1 address
  shift
  for address in "$@"; do
    { if accepts "$address" "$port"; then echo "$address"; fi; } &
  done
  wait
}

# It carries traffic: every listener has a member, except for services that nobody runs (yet), and not all are such.
all_well() {
  local table front listener port check found carried=0
  local -a addresses
  table=$(timeout 5 socat -t 5 - UNIX-CONNECT:/run/haproxy/admin.sock <<<'show stat' 2>&1) || no "HAProxy's socket: $table"
  for front in "${fronts[@]}"; do
    read -r listener port check found <<<"$front"
    read -r -a addresses <<<"$found"
    accepts 127.0.0.1 "$port" || no "port $port of $listener does not accept"
    if [ "$(members_up "$listener" <<<"$table")" -gt 0 ]; then
      carried=$((carried + 1))
      continue
    fi
    found=$(answering "$check" "${addresses[@]}")
    if [ -n "$found" ]; then no "$listener has no member that is up, and these accept connections: $found"; fi
  done
  if [ "$carried" -eq 0 ]; then no "no listener has a member that is up"; fi
}

# Whether one can be missed is for its twins to say; a proxy that is not well itself is missed least.
may_stop() {
  if [ "$1" != "$gate_self" ]; then all_well; fi
}

leads() { false; }

gate "$@"
