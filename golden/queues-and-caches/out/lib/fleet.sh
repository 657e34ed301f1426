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
# not the one to use.
fleet_ssh=(ssh -o BatchMode=yes -o StrictHostKeyChecking=yes -o ConnectTimeout=10
  -o ServerAliveInterval=15 -o ServerAliveCountMax=4)
if [ -n "${KBGEN_SSH_CONFIG:-}" ]; then fleet_ssh+=(-F "$KBGEN_SSH_CONFIG"); fi

fleet_hosts=() # "server address", in the order in which they are acted on
fleet_only=
fleet_from=
fleet_jobs=10
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
  case $name in credentials | logs | state) echo "$name is not for shipping" >&2; exit 1 ;; esac
  if [ -e "$name" ]; then mv "$name" .outgoing/; fi
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
usage: $0 [--only=SERVER,SERVER...] [--from=STEP] [--jobs=N]
  --only=...  act on these servers only; without it an unreachable server stops everything
  --from=...  begin with this step, after a failure was put right
  --jobs=N    servers at once (default $fleet_jobs)
USAGE
}

fleet_arguments() {
  local argument
  for argument in "$@"; do
    case $argument in
      --only=?*) fleet_only=${argument#*=} ;;
      --from=?*) fleet_from=${argument#*=} ;;
      --jobs=[1-9] | --jobs=[1-9][0-9]) fleet_jobs=${argument#*=} ;;
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
# (one at a time, stops at the first failure), first (only the first server).
fleet_step() {
  local name=$1 strategy=$2 jobs=$fleet_jobs host
  if [ -n "$fleet_from" ] && [ "$fleet_from" != "$name" ]; then return 0; fi
  fleet_from=
  local -a kept=()
  for host in "${fleet_hosts[@]}"; do
    if [ -f "$tree/servers/${host%% *}/$folder/$name.sh" ]; then kept+=("$host"); fi
  done
  if [ "${#kept[@]}" -eq 0 ]; then return 0; fi
  if [ "$strategy" = first ]; then kept=("${kept[0]}"); fi
  if [ "$strategy" = rolling ]; then jobs=1; fi
  local -a fleet_hosts=("${kept[@]}")
  fleet_name=$name
  fleet_each "$name" "$jobs" fleet_script
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
