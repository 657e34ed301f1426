# What scripts on the install host call to act on servers. Sourced by shell/fleet, which has set
# `root` (the install root on every server), `folder` (this service's) and `here`; never run by
# itself. Everything of host.sh is there as well.
# shellcheck shell=bash
#
# An address is [user@]ip. A server that has the ip itself is this one, and is reached without ssh.

: "${here:?}" "${root:?}" "${folder:?}"
tree=$(cd -- "$here/../.." && pwd)
kb_root=$root
# shellcheck source-path=SCRIPTDIR source=host.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/host.sh"

# Host keys are checked, always: an unknown or changed key is a failure that a person looks at.
# KBGEN_SSH_CONFIG names a client configuration (jump host, key, known hosts) when ~/.ssh/config is
# not the one to use. Connections are never shared: steps that confirm a firewall or sshd prove by a new one
# that it is admitted.
fleet_ssh=(ssh -o BatchMode=yes -o StrictHostKeyChecking=yes -o ConnectTimeout=10 -o ControlPath=none
  -o ServerAliveInterval=15 -o ServerAliveCountMax=4)
if [ -n "${KBGEN_SSH_CONFIG:-}" ]; then fleet_ssh+=(-F "$KBGEN_SSH_CONFIG"); fi

fleet_hosts=() # "server address", in the order in which they are acted on
fleet_only=
fleet_from=
fleet_jobs=10
fleet_patience=600 # seconds for a gate to open
fleet_failed=()
fleet_reports=$(umask 077 && mktemp -d -t kbgen-fleet.XXXXXXXX)
trap 'rm -rf -- "$fleet_reports"; kb_leave' EXIT

# ---------------------------------------------------------------- one server

is_here() {
  local ip=${1##*@} own
  for own in $(hostname -I) 127.0.0.1; do
    if [ "$own" = "$ip" ]; then return 0; fi
  done
  return 1
}

# The remote side is read by a shell there; each word arrives as it is.
fleet_quote() {
  local word
  for word in "$@"; do printf "'%s' " "${word//\'/\'\\\'\'}"; done
}

# remote ADDRESS COMMAND...: runs it there as root; stdin is passed on.
remote() {
  local address=$1
  shift
  if is_here "$address"; then
    "$@"
    return
  fi
  if [[ $address == *@* && $address != root@* ]]; then set -- sudo -n -- "$@"; fi
  "${fleet_ssh[@]}" -- "$address" "$(fleet_quote "$@")"
}

# on_host SERVER ADDRESS SCRIPT [ARG...]: SCRIPT is below the install root, "03-postgres/x.sh".
on_host() {
  local address=$2 script=$3
  shift 3
  remote "$address" "$root/$script" "$@" </dev/null
}

# Unpacks beside the old folders and then exchanges them, so that no script is ever half there, and
# a file that is no longer rendered does not stay behind.
# shellcheck disable=SC2016  # this text is for the shell at the other end
fleet_receive='
set -eu
umask 022
mkdir -p "$1"
cd "$1"
rm -rf .incoming .outgoing
mkdir .incoming .outgoing
tar -xf - -C .incoming
for entry in .incoming/*; do
  name=${entry##*/}
  case $name in
    credentials | current | generations | logs | reports | state) echo "$name is not for shipping" >&2; exit 1 ;;
  esac
  # Links are what lib/agent.sh leaves, and may lead nowhere.
  if [ -e "$name" ] || [ -L "$name" ]; then mv "$name" .outgoing/; fi
  mv "$entry" "$name"
done
rm -rf .incoming .outgoing
'

# ship SERVER ADDRESS: copies what is rendered for a server, lib/ and the build contexts of images
# (a few kB; the steps that need one find it there) to its install root.
ship() {
  local server=$1 address=$2 shared=(lib)
  if [ -d "$tree/images" ]; then shared+=(images); fi
  if [ ! -d "$tree/servers/$server" ]; then fail "nothing is rendered for $server in $tree"; fi
  tar --create --file=- --owner=0 --group=0 --numeric-owner --mode='u+rwX,go+rX,go-w' \
    --directory="$tree/servers/$server" . --directory="$tree" "${shared[@]}" |
    remote "$address" /bin/sh -c "$fleet_receive" receive "$root"
}

reach() { remote "$2" true </dev/null; }

# ---------------------------------------------------------------- many servers

fleet_host() { fleet_hosts+=("$1 $2"); }

fleet_usage() {
  cat <<USAGE
usage: $0 [--only=SERVER,SERVER...] [--from=STEP] [--jobs=N] [--gate-timeout=SECONDS]
  --only=...  act on these servers only; without it an unreachable server stops everything
  --from=...  begin with this step, after a failure was put right
  --jobs=N    servers at once (default $fleet_jobs)
  --gate-timeout=SECONDS
              how long to wait until a member may be stopped, and until all are well again
              (default $fleet_patience); then the installation stops, and says why
USAGE
}

fleet_arguments() {
  local argument
  for argument in "$@"; do
    case $argument in
      --only=?*) fleet_only=${argument#*=} ;;
      --from=?*) fleet_from=${argument#*=} ;;
      --jobs=[1-9] | --jobs=[1-9][0-9]) fleet_jobs=${argument#*=} ;;
      --gate-timeout=*[!0-9]* | --gate-timeout=) fail "--gate-timeout wants seconds" ;;
      --gate-timeout=*) fleet_patience=${argument#*=} ;;
      --help | -h)
        fleet_usage
        exit 0
        ;;
      *)
        fleet_usage >&2
        exit 2
        ;;
    esac
  done
  if [ -n "$fleet_only" ]; then fleet_limit; fi
}

# Keeps the servers of --only. A name that is not there is a mistake, not nothing to do.
fleet_limit() {
  local wanted host kept=() found
  local -a names
  IFS=, read -r -a names <<<"$fleet_only"
  for wanted in "${names[@]}"; do
    found=
    for host in "${fleet_hosts[@]}"; do
      if [ "${host%% *}" = "$wanted" ]; then found=$host; fi
    done
    if [ -z "$found" ]; then fail "--only: $wanted is no server of $folder"; fi
    kept+=("$found")
  done
  fleet_hosts=("${kept[@]}")
}

# fleet_each TITLE JOBS COMMAND...: runs COMMAND SERVER ADDRESS for every server, JOBS at once, each
# into a report of its own. With one job it stops at the first failure. Leaves the names of those
# that failed in fleet_failed, and succeeds in any case: bash ignores errors in what is called as a
# condition, and the commands are in here.
fleet_each() {
  local title=$1 jobs=$2 host server
  shift 2
  log "$title: ${#fleet_hosts[@]} servers, $jobs at once"
  rm -f -- "$fleet_reports"/*
  for host in "${fleet_hosts[@]}"; do
    while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n || true; done
    if [ "$jobs" -eq 1 ] && ! fleet_all_well; then break; fi
    fleet_run "$title" "${host%% *}" "${host#* }" "$@" &
  done
  wait
  fleet_failed=()
  for host in "${fleet_hosts[@]}"; do
    server=${host%% *}
    if [ -f "$fleet_reports/$server.status" ] && [ "$(<"$fleet_reports/$server.status")" != 0 ]; then
      fleet_failed+=("$server")
    fi
  done
}

fleet_all_well() {
  local status
  for status in "$fleet_reports"/*.status; do
    if [ -f "$status" ] && [ "$(<"$status")" != 0 ]; then return 1; fi
  done
}

fleet_run() {
  local title=$1 server=$2 address=$3 status=0
  shift 3
  trap - ERR EXIT
  (
    set -e
    "$@" "$server" "$address"
  ) >"$fleet_reports/$server.report" 2>&1 </dev/null &
  wait "$!" || status=$?
  printf '%d\n' "$status" >"$fleet_reports/$server.status"
  if [ "$status" -eq 0 ]; then
    log "$title: $server done"
  else
    log "$title: $server FAILED ($status)"
  fi
}

# Shows why: the end of each failed server's report.
fleet_explain() {
  local server
  for server in "${fleet_failed[@]}"; do
    printf -- '---- %s\n' "$server" >&2
    tail -n 20 -- "$fleet_reports/$server.report" >&2
  done
}

# ---------------------------------------------------------------- gates

# A rolling step takes a member away for a moment. Right before, every member of every service on that server is
# asked whether it may be missed, several times, because one good answer may be luck; and afterwards, until all
# are well again. "The port is open" would be no answer. PLAN.tsv says who is asked.
declare -A fleet_addresses=() fleet_gates=() fleet_members=()
declare -A fleet_status=() fleet_reason=() # of every member that was asked last
fleet_why=
fleet_touched=()

fleet_read_plan() {
  local kind first second third fourth fifth sixth _
  if [ "${#fleet_addresses[@]}" -gt 0 ]; then return 0; fi
  if [ ! -f "$tree/PLAN.tsv" ]; then fail "$tree/PLAN.tsv is not there: was this tree copied whole?"; fi
  # service: name, module, label, folder, who may be down, gate.
  # shellcheck disable=SC2034  # not every column is asked for
  while IFS=$'\t' read -r kind first second third fourth fifth sixth _; do
    case $kind in
      server) fleet_addresses[$first]=$second ;;
      service) if [ "$sixth" != - ]; then fleet_gates[$first]=$sixth; fi ;;
      member) fleet_members[$first]+="${fleet_members[$first]:+ }$second" ;;
    esac
  done <"$tree/PLAN.tsv"
}

# gates_of SERVER: services with a gate that it is a member of.
gates_of() {
  local service
  for service in "${!fleet_gates[@]}"; do
    if [[ " ${fleet_members[$service]} " == *" $1 "* ]]; then echo "$service"; fi
  done | sort
}

# Where the gate was never copied to, nothing was installed.
# shellcheck disable=SC2016  # this text is for the shell at the other end
fleet_gate='if [ ! -e "$1" ]; then exit 10; fi; exec timeout 20 "$@"'

fleet_ask_one() {
  local member=$1 gate=$2 status=0 said
  shift 2
  trap - ERR EXIT
  said=$(remote "${fleet_addresses[$member]}" /bin/sh -c "$fleet_gate" gate "$root/$gate" "$@" 2>&1 </dev/null) || status=$?
  printf '%d %s\n' "$status" "${said##*$'\n'}" >"$fleet_reports/$member.answer"
}

# fleet_ask SERVICE [SERVER | --leads]: all members at once.
fleet_ask() {
  local service=$1 member status reason
  shift
  fleet_status=() fleet_reason=()
  rm -f -- "$fleet_reports"/*.answer
  for member in ${fleet_members[$service]}; do fleet_ask_one "$member" "${fleet_gates[$service]}" "$@" & done
  wait
  for member in ${fleet_members[$service]}; do
    status=none reason="no answer"
    if [ -s "$fleet_reports/$member.answer" ]; then read -r status reason <"$fleet_reports/$member.answer"; fi
    fleet_status[$member]=$status fleet_reason[$member]=${reason:-status $status}
  done
}

# everybody_agrees SERVICE: to what was asked last; fleet_why is who does not, and why.
everybody_agrees() {
  local member
  for member in ${fleet_members[$1]}; do
    if [ "${fleet_status[$member]}" = 0 ]; then continue; fi
    fleet_why="$member ($1): ${fleet_reason[$member]}"
    return 1
  done
}

# may_be_stopped SERVER: a member that does not run is missed by nobody, whatever the others say. fleet_touched are
# the services that do run there.
may_be_stopped() {
  local server=$1 service sample
  fleet_touched=()
  for service in $(gates_of "$server"); do
    for sample in 1 2 3; do
      if [ "$sample" -gt 1 ]; then sleep 1; fi
      fleet_ask "$service" "$server"
      if [ "${fleet_status[$server]}" = 10 ]; then continue 2; fi
      everybody_agrees "$service" || return 1
    done
    fleet_touched+=("$service")
  done
}

all_are_well() {
  local service
  for service in "$@"; do
    fleet_ask "$service"
    everybody_agrees "$service" || return 1
  done
}

# fleet_await WHAT QUESTION...: says what it waits for, each reason once.
fleet_await() {
  local what=$1 deadline=$((SECONDS + fleet_patience)) said=
  shift
  until "$@"; do
    if [ "$SECONDS" -ge "$deadline" ]; then fail "$what: not within $fleet_patience s: $fleet_why"; fi
    if [ "$fleet_why" != "$said" ]; then log "waiting, $what: $fleet_why"; fi
    said=$fleet_why
    sleep 2
  done
}

# fleet_next SERVICE HOST...: `next` is whose turn it is. Members that do not run come first, because as long as they
# do not, nobody else may be stopped; whoever leads comes last.
fleet_next() {
  local service=$1 host rank best=9
  shift
  next=$1
  if [ -z "${fleet_gates[$service]:-}" ]; then return 0; fi
  fleet_ask "$service" --leads
  for host in "$@"; do
    case ${fleet_status[${host%% *}]} in
      10) rank=0 ;;
      0) rank=2 ;;
      *) rank=1 ;;
    esac
    if [ "$rank" -lt "$best" ]; then best=$rank next=$host; fi
  done
}

# how_many_run SERVER...: by the answers of fleet_next.
how_many_run() {
  local server count=0
  for server in "$@"; do if [ "${fleet_status[$server]:-0}" != 10 ]; then count=$((count + 1)); fi; done
  echo "$count"
}

# fleet_rolling NAME: on fleet_hosts, one after the other. While members are still missing because their turn has not
# come, the service cannot be well, and what the step says of its own work has to do; so too during its first
# installation, to the end.
fleet_rolling() {
  local name=$1 service next='' server host first=''
  local -a todo=("${fleet_hosts[@]}") left after
  fleet_read_plan
  service=$(awk -F '\t' -v folder="$folder" '$1 == "service" && $5 == folder { print $2 }' "$tree/PLAN.tsv")
  while [ "${#todo[@]}" -gt 0 ]; do
    fleet_next "$service" "${todo[@]}"
    server=${next%% *}
    left=() after=()
    for host in "${todo[@]}"; do if [ "$host" != "$next" ]; then left+=("$host"); fi; done
    todo=("${left[@]}")
    if [ -n "${fleet_gates[$service]:-}" ]; then
      if [ -z "$first" ]; then
        first=no
        # shellcheck disable=SC2086  # names
        if [ "$(how_many_run ${fleet_members[$service]})" -eq 0 ]; then first=yes; fi
      fi
      if [ "$first" = no ] && [ "$(how_many_run "${todo[@]%% *}")" -eq "${#todo[@]}" ]; then after+=("$service"); fi
    fi
    fleet_await "$server may be stopped" may_be_stopped "$server"
    for host in "${fleet_touched[@]}"; do if [ "$host" != "$service" ]; then after+=("$host"); fi; done
    fleet_run "$name" "$server" "${next#* }" fleet_script &
    wait "$!"
    if [ "$(<"$fleet_reports/$server.status")" != 0 ]; then
      fleet_failed=("$server")
      return 0
    fi
    fleet_await "all well after $server" all_are_well "${after[@]}"
  done
}

# ---------------------------------------------------------------- the course of an installation

# A part of a fleet is worse than none: nobody notices the missing half. So nothing begins before
# every server has answered.
fleet_reach() {
  fleet_each reach "$fleet_jobs" reach
  if [ "${#fleet_failed[@]}" -eq 0 ]; then return 0; fi
  fleet_explain
  fail "${#fleet_failed[@]} servers do not answer: ${fleet_failed[*]} (leave them out with --only=...)"
}

fleet_ship() {
  fleet_each ship "$fleet_jobs" ship
  if [ "${#fleet_failed[@]}" -eq 0 ]; then return 0; fi
  fleet_explain
  fail "could not copy to ${fleet_failed[*]}"
}

fleet_script() { on_host "$1" "$2" "$folder/$fleet_name.sh"; }

# fleet_step NAME STRATEGY: runs the script on every server that has it. STRATEGY: parallel, rolling
# (one at a time, behind the gates, stops at the first failure), first (only the first server).
fleet_step() {
  local name=$1 strategy=$2 host
  if [ -n "$fleet_from" ] && [ "$fleet_from" != "$name" ]; then return 0; fi
  fleet_from=
  local -a kept=()
  for host in "${fleet_hosts[@]}"; do
    if [ -f "$tree/servers/${host%% *}/$folder/$name.sh" ]; then kept+=("$host"); fi
  done
  if [ "${#kept[@]}" -eq 0 ]; then return 0; fi
  if [ "$strategy" = first ]; then kept=("${kept[0]}"); fi
  local -a fleet_hosts=("${kept[@]}")
  fleet_name=$name
  fleet_failed=()
  if [ "$strategy" = rolling ]; then fleet_rolling "$name"; else fleet_each "$name" "$fleet_jobs" fleet_script; fi
  if [ "${#fleet_failed[@]}" -eq 0 ]; then return 0; fi
  fleet_explain
  fail "$name failed on ${fleet_failed[*]}; when it is put right, continue with: $0 --from=$name"
}

# fleet_here NAME: a step that runs once, on this host.
fleet_here() {
  if [ -n "$fleet_from" ] && [ "$fleet_from" != "$1" ]; then return 0; fi
  fleet_from=
  log "$1: on this host"
  "$here/$1.sh" </dev/null
}

fleet_done() {
  if [ -n "$fleet_from" ]; then fail "--from: $folder has no step $fleet_from"; fi
  log "$folder: done on ${#fleet_hosts[@]} servers"
}

# fleet_validate NAME: runs a suite of checks everywhere, shows every check that failed, and fails
# when one did. A server whose report is not complete has failed as well.
fleet_validate() {
  local host server report checks=0 passed=0 skipped=0
  fleet_name=$1
  fleet_each "$1" "$fleet_jobs" fleet_script
  for host in "${fleet_hosts[@]}"; do
    server=${host%% *}
    report=$fleet_reports/$server.report
    checks=$((checks + $(grep -cE '^(not )?ok [0-9]' "$report" || true)))
    passed=$((passed + $(grep -cE '^ok [0-9]' "$report" || true)))
    skipped=$((skipped + $(grep -cE '^ok [0-9].* # SKIP ' "$report" || true)))
    grep -A 5 -E '^not ok' "$report" | sed "s/^/$server: /" || true
  done
  fleet_explain_incomplete
  printf '%s: %d servers, %d checks, %d passed (%d of them skipped), %d servers failed\n' \
    "$folder" "${#fleet_hosts[@]}" "$checks" "$passed" "$skipped" "${#fleet_failed[@]}"
  if [ "${#fleet_failed[@]}" -gt 0 ]; then exit 1; fi
}

fleet_explain_incomplete() {
  local server
  for server in "${fleet_failed[@]}"; do
    if grep -qE '^1\.\.[0-9]' "$fleet_reports/$server.report"; then continue; fi
    printf '%s: the suite did not end: %s\n' "$server" "$(tail -n 1 "$fleet_reports/$server.report")"
  done
}
