#!/usr/bin/env bash
# Loses the leader on purpose while a client writes, measures how long the client was without a
# leader, and counts whether every row that was acknowledged is still there.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # lib/fleet.sh reads them
root=/opt/orchard folder=03-fruit
# shellcheck source=/dev/null
. "$here/../../lib/fleet.sh"
trap 'kb_failed "$?"' ERR

members=(
  "apple root@172.20.9.1"
  "pear root@172.20.9.2"
  "plum root@172.20.9.3"
)

cluster=fruit
ttl=30

usage() {
  cat <<USAGE
usage: $0 --yes [--crash]
  --yes    the leader of $cluster may be stopped now
  --crash  kill it instead of stopping it: replicas notice only when its lease of $ttl s has run out
USAGE
}

confirmed=false
manner=drill-stop
for argument in "$@"; do
  case $argument in
    --yes) confirmed=true ;;
    --crash) manner=drill-crash ;;
    *)
      usage >&2
      exit 2
      ;;
  esac
done
if [ "$confirmed" = false ]; then
  usage >&2
  exit 2
fi

limit=90
recovery=900
rows_before=20
rows_after=20

# on_member NAME ARG...: pg-member on that server.
on_member() {
  local name=$1 host
  shift
  for host in "${members[@]}"; do
    if [ "${host%% *}" != "$name" ]; then continue; fi
    remote "${host#* }" /usr/local/sbin/pg-member "$@" </dev/null
    return
  done
  fail "$name is no member"
}

# Healthy in the eyes of every member, each asking all others.
healthy_everywhere() {
  local host
  for host in "${members[@]}"; do on_member "${host%% *}" healthy >/dev/null || return 1; done
}

# Another member than the one that was lost leads.
led_by_another() {
  local seen
  seen=$(on_member "$writer" leader)
  [ "$seen" != "$old_leader" ]
}

acknowledged() { [ "$(on_member "$writer" drill-progress | cut -d ' ' -f 1)" -ge "$1" ]; }

# Whatever happens, the member that was stopped is started and the writer ends.
old_leader=
writer=
report=$(mktemp -d -t drill.XXXXXXXX)
# shellcheck disable=SC2154  # lib/fleet.sh sets fleet_reports
tidy_up() {
  trap - ERR
  if [ -n "$old_leader" ]; then
    on_member "$old_leader" drill-start || log "could not start $old_leader: systemctl start patroni-docker there"
  fi
  if [ -n "$writer" ]; then on_member "$writer" drill-end >/dev/null || log "could not end the writer on $writer"; fi
  rm -rf -- "$report" "$fleet_reports"
  kb_leave
}

# ---------------------------------------------------------------- before

log "asking every member; nothing is stopped unless all is well"
if ! healthy_everywhere; then fail "the cluster is not healthy: this is not the time for a drill"; fi
leader=$(on_member "${members[0]%% *}" leader)
for host in "${members[@]}"; do
  if [ "${host%% *}" != "$leader" ]; then replica=${host%% *}; fi
done
log "$leader leads; the writer runs on $replica, through 172.20.8.10:5544"

trap tidy_up EXIT
writer=$replica
if ! on_member "$writer" drill-begin "$((limit + recovery + 120))"; then
  writer=
  fail "$replica cannot write there; if no load balancer stands in front, its address must be allowed"
fi
wait_for 30 acknowledged "$rows_before"

# ---------------------------------------------------------------- the loss

old_leader=$leader
began=$SECONDS
log "$manner on $old_leader"
on_member "$old_leader" "$manner"
wait_for "$limit" led_by_another
log "$(on_member "$writer" leader) leads, $((SECONDS - began)) s after"
done_before=$(on_member "$writer" drill-progress | cut -d ' ' -f 1)
wait_for "$limit" acknowledged "$((done_before + rows_after))"

log "starting $old_leader again"
on_member "$old_leader" drill-start
wait_for "$recovery" healthy_everywhere
log "$old_leader is back and streams, $((SECONDS - began)) s after the loss"
old_leader=

# ---------------------------------------------------------------- the reckoning

on_member "$writer" drill-end >"$report/attempts"
on_member "$writer" drill-rows | sort >"$report/found"
awk '$4 == "ok" { print $1 }' "$report/attempts" | sort >"$report/acknowledged"
lost=$(comm -23 "$report/acknowledged" "$report/found" | wc -l)
unasked=$(comm -13 "$report/acknowledged" "$report/found" | wc -l)
outage=$(awk '$4 == "ok" { if (last && $3 - last > longest) longest = $3 - last; last = $3 }
  END { printf "%d", longest }' "$report/attempts")
on_member "$writer" drill-clean
writer=

cat <<REPORT
longest time without a written row: $((outage / 1000)).$(printf '%03d' "$((outage % 1000))") s (limit $limit s)
rows acknowledged: $(wc -l <"$report/acknowledged"), of these lost: $lost
attempts that failed: $(grep -c ' failed$' "$report/attempts" || true), of these written all the same: $unasked
REPORT
if [ "$lost" -gt 0 ]; then fail "$lost acknowledged rows are gone"; fi
if [ "$outage" -gt "$((limit * 1000))" ]; then fail "writers waited longer than $limit s"; fi
log "the drill passed"
