#!/usr/bin/env bash
# Throws away one member's data and lets it copy everything from another: reinit.sh MEMBER. Refused when the others would not
# be enough to go on without it, or when nobody has a copy to give.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # lib/fleet.sh reads them
root=/opt/keybuzz-installer folder=07-mariadb
# shellcheck source=/dev/null
. "$here/../../lib/fleet.sh"
trap 'kb_failed "$?"' ERR

members=(
  "maria-01 root@10.0.0.170"
  "maria-02 root@10.0.0.171"
  "maria-03 root@10.0.0.172"
)

member=${1:-}
address=
for host in "${members[@]}"; do
  if [ "${host%% *}" = "$member" ]; then address=${host#* }; fi
done
if [ -z "$address" ]; then
  echo "usage: $0 MEMBER, one of: maria-01 maria-02 maria-03" >&2
  exit 2
fi

on_member() {
  local ip=$1
  shift
  remote "$ip" /usr/local/sbin/galera-member "$@" </dev/null
}

# Who could give a copy: Synced, in a Primary component, all in the same cluster.
donors=()
cluster=
for host in "${members[@]}"; do
  if [ "${host%% *}" = "$member" ]; then continue; fi
  on_member "${host#* }" wait-synced 0 || continue
  answer=$(on_member "${host#* }" state)
  read -r _ seen _ <<<"$answer"
  if [ -n "$cluster" ] && [ "$seen" != "$cluster" ]; then
    fail "${host%% *} is in the cluster $seen, others in $cluster: which one is right?"
  fi
  cluster=$seen
  donors+=("${host%% *}")
done
if [ "${#donors[@]}" -eq 0 ]; then fail "no other member is Synced: $member may hold the only copy"; fi

own=$(on_member "$address" state)
log "$member: $own; Synced without it: ${donors[*]}"
# A member that works is one of those who decide. Without it a majority must be left.
if [[ $own == primary\ * ]] && [ "${#donors[@]}" -lt 2 ]; then
  fail "$member is Primary and only ${#donors[@]} others are Synced: without it there is no majority of 2"
fi

log "stopping $member and throwing its data away"
on_member "$address" stop
on_member "$address" wipe "$member"
log "$member copies everything from another; that one's writes may wait meanwhile"
on_member "$address" start 3600
log "$member is Synced"
