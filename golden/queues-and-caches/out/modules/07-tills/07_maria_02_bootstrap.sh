#!/usr/bin/env bash
# Begins the cluster on its first member, once. It asks every member before: a Primary component anywhere means that there
# is a cluster, and nothing is done; data without one means that there was a cluster, and that is recover.sh's business.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # lib/fleet.sh reads them
root=/opt/meridian folder=07-tills
# shellcheck source=/dev/null
. "$here/../../lib/fleet.sh"
trap 'kb_failed "$?"' ERR

members=(
  "till-1 deploy@192.168.64.61"
  "till-2 deploy@192.168.64.62"
  "till-3 deploy@192.168.64.63"
)
first=${members[0]}

primary=
occupied=()
first_condition=
for member in "${members[@]}"; do
  if ! answer=$(remote "${member#* }" /usr/local/sbin/galera-member state </dev/null); then
    fail "${member%% *} cannot be asked, so nobody knows whether a cluster exists"
  fi
  log "${member%% *}: $answer"
  condition=${answer%% *}
  if [ "$member" = "$first" ]; then first_condition=$condition; fi
  case $condition in
    primary) primary+=" ${member%% *}" ;;
    empty) ;;
    # A database that never was in a cluster becomes the cluster's, if it is the first member's.
    initialised) if [ "$member" != "$first" ]; then occupied+=("${member%% *}"); fi ;;
    *) occupied+=("${member%% *}") ;;
  esac
done

if [ -n "$primary" ]; then
  log "there is a cluster: Primary on$primary"
  exit 0
fi
if [ "${#occupied[@]}" -gt 0 ]; then
  fail "no member is Primary, but these are not empty: ${occupied[*]}; see $here/recover.sh"
fi

if [ "$first_condition" = empty ]; then
  log "initialising ${first%% *}"
  remote "${first#* }" /usr/local/sbin/galera-member initialise </dev/null
fi
log "beginning the cluster on ${first%% *}"
remote "${first#* }" /usr/local/sbin/galera-member bootstrap new </dev/null
log "${first%% *} is Primary; the others join it"
