#!/usr/bin/env bash
# Copies one replica afresh from the leader: reinit.sh MEMBER. What the replica holds is thrown away,
# so the leader is refused, whoever claims to know better; and so is everything without a leader.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # lib/fleet.sh reads them
root=/opt/keybuzz-installer folder=03-postgres
# shellcheck source=/dev/null
. "$here/../../lib/fleet.sh"
trap 'kb_failed "$?"' ERR

members=(
  "db-master-01 root@10.0.0.120"
  "db-slave-01 root@10.0.0.121"
  "db-slave-02 root@10.0.0.122"
)

member=${1:-}
address=
for host in "${members[@]}"; do
  if [ "${host%% *}" = "$member" ]; then address=${host#* }; fi
done
if [ -z "$address" ]; then
  echo "usage: $0 MEMBER, one of: db-master-01 db-slave-01 db-slave-02" >&2
  exit 2
fi

# Every member that answers is asked, the one in question too: if it believes that it leads, it may.
leader=
answers=0
for host in "${members[@]}"; do
  seen=$(remote "${host#* }" /usr/local/sbin/pg-member leader </dev/null) || continue
  answers=$((answers + 1))
  if [ "$seen" = "$member" ]; then fail "${host%% *} says that $member leads: it holds the only truth"; fi
  if [ -n "$leader" ] && [ "$seen" != "$leader" ]; then fail "${host%% *} names $seen as leader, others $leader"; fi
  leader=$seen
done
if [ "$answers" -lt 2 ]; then fail "only $answers members know the leader; a copy needs a healthy one"; fi

leader_address=
for host in "${members[@]}"; do
  if [ "${host%% *}" = "$leader" ]; then leader_address=${host#* }; fi
done

log "copying $member afresh from $leader"
remote "$address" systemctl start patroni-docker.service </dev/null
remote "$leader_address" /usr/local/sbin/pg-member ctl reinit keybuzz-pg "$member" --force --wait </dev/null

# streams MEMBER: as the leader sees it.
streams() {
  remote "$leader_address" /usr/local/sbin/pg-member ctl list --format tsv </dev/null |
    awk -F '\t' -v member="$1" '$2 == member && $5 == "streaming" { found = 1 } END { exit !found }'
}
wait_for 900 streams "$member"
log "$member streams from $leader"
