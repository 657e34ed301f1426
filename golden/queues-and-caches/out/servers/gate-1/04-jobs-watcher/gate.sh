#!/usr/bin/env bash
# May a watcher be stopped now? gate.sh SERVER, asked of every watcher right before; gate.sh: is all well?
# All watchers are equal: gate.sh --leads says no.
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
    *) if [[ $gate_members != *" $1 "* ]]; then no "$1 is no member of jobs-watcher"; fi ;;
  esac
  if ! runs; then
    echo "jobs-watcher does not run on $gate_self"
    exit 10
  fi
  case ${1:-} in
    '') all_well ;;
    --leads) if ! leads; then no "$gate_self does not lead"; fi ;;
    *) may_stop "$1" ;;
  esac
}

watcher="jobs-watcher"
interval=5

runs() { unit_active "$watcher.service"; }

# It follows what a majority of the Sentinels says, and looked a moment ago: its proxy is right meanwhile.
all_well() {
  local status checked age
  status=$("/usr/local/sbin/$watcher" status 2>&1) || no "$status"
  checked=$(date --date "$(sed -n 's/^checked=//p' <<<"$status")" +%s)
  age=$(($(date +%s) - checked))
  if ! grep -qx 'state=following' <<<"$status"; then no "$status"; fi
  if [ "$age" -gt $((3 * interval)) ]; then no "the last look was $age s ago"; fi
}

# Without its watcher a proxy goes by its own role check, which is right as long as nobody fails over.
may_stop() {
  if [ "$1" != "$gate_self" ]; then all_well; fi
}

leads() { false; }

gate "$@"
