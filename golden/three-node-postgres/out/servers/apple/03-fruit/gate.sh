#!/usr/bin/env bash
# May a member be stopped now? gate.sh SERVER, asked of every member right before; gate.sh: is all well?
# gate.sh --leads: is this the leader, which goes last, after a switchover?
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
# A gate answers within ten seconds and changes nothing. 0: yes; 10: this member does not run, so that nobody would
# miss it; anything else: no, and the last line says why. A member that runs and cannot say is a no.
gate_self=apple
gate_members=" apple pear plum "

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
    *) if [[ $gate_members != *" $1 "* ]]; then no "$1 is no member of fruit"; fi ;;
  esac
  if ! runs; then
    echo "fruit does not run on $gate_self"
    exit 10
  fi
  case ${1:-} in
    '') all_well ;;
    --leads) if ! leads; then no "$gate_self does not lead"; fi ;;
    *) may_stop "$1" ;;
  esac
}

runs() { container_runs patroni patroni-docker.service; }

# Every member answers, names the same leader, and has all others streaming from it, on its timeline, with less lag than
# may be; the cluster is not paused. Then whoever goes, a replica can lead, and the DCS has its majority.
all_well() { asked /usr/local/sbin/pg-member healthy; }
may_stop() { all_well; }

# It holds the lock.
leads() { timeout 8 /usr/local/sbin/pg-member leads; }

gate "$@"
