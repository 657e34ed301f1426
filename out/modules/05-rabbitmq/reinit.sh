#!/usr/bin/env bash
# Empties one member and lets it join afresh: reinit.sh MEMBER [--yes]. For a member whose data are
# broken or gone. What it holds is thrown away, so the others must hold everything: all of them run,
# see each other, and every queue works without it. Its replicas are taken out of the queues before it
# is forgotten, because one that came back empty under its old name would vote on what it never saw.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # lib/fleet.sh reads them
root=/opt/keybuzz-installer folder=05-rabbitmq
# shellcheck source=/dev/null
. "$here/../../lib/fleet.sh"
trap 'kb_failed "$?"' ERR

members=(
  "queue-01 root@10.0.0.126"
  "queue-02 root@10.0.0.127"
  "queue-03 root@10.0.0.128"
)

member=${1:-}
address=
helper=
for host in "${members[@]}"; do
  if [ "${host%% *}" = "$member" ]; then address=${host#* }; else helper=${helper:-$host}; fi
done
if [ -z "$address" ] || [ "${2:-}" != --yes ]; then
  echo "usage: $0 MEMBER --yes, MEMBER one of: queue-01 queue-02 queue-03" >&2
  echo "everything that MEMBER holds is deleted; queues without other replicas are lost" >&2
  exit 2
fi
helper_name=${helper%% *}

on_helper() { remote "${helper#* }" /usr/local/sbin/rmq-member "$@" </dev/null; }
on_target() { remote "$address" "$@" </dev/null; }

# What one of the others has to say of all, without what is no news: that the member is not there.
complaints=$(on_helper healthy 2>&1 >/dev/null) || true
others=$(grep -v -e "^$member: " -e ": rabbit@$member does not run\$" <<<"$complaints" || true)
if [ -n "$others" ]; then
  printf '%s\n' "$others" >&2
  fail "the others must be well without $member before its data may go"
fi

# A member that serves is stopped as in a rolling step: only when the others can do without it.
if ! grep -q -e ": rabbit@$member does not run\$" <<<"$complaints"; then
  log "stopping $member"
  on_target /usr/local/sbin/rmq-member stop
elif [ -n "$(on_target docker ps --quiet --filter 'name=^rabbitmq$')" ]; then
  log "stopping $member, which does not serve"
  on_target docker stop rabbitmq
fi

log "taking the replicas of $member out of the queues, and $member out of the cluster"
on_helper queues --quiet shrink "rabbit@$member"
on_helper ctl --quiet forget_cluster_node "rabbit@$member"

data_dir=/opt/keybuzz/rabbitmq/data
log "emptying $data_dir on $member"
if on_target test -d "$data_dir/mnesia"; then
  on_target find "$data_dir/mnesia" -xdev -mindepth 1 -delete
fi
on_target rm -f -- "$root/state/$folder.joined"
on_target "$root/$folder/05_rmq_02_deploy_cluster.sh"

whole() { on_helper healthy; }
wait_for 600 whole
log "giving the queues a replica on $member again"
on_helper queues --quiet grow "rabbit@$member" all
wait_for 60 whole
log "$member is back; $helper_name sees all members"
