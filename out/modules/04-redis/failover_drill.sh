#!/usr/bin/env bash
# Takes the master away on purpose while a client writes through the address that all clients use,
# measures how long the client could not write, and counts whether every write that was acknowledged is
# still there.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # lib/fleet.sh reads them
root=/opt/keybuzz-installer folder=04-redis
# shellcheck source=/dev/null
. "$here/../../lib/fleet.sh"
trap 'kb_failed "$?"' ERR

members=(
  "redis-01 root@10.0.0.123"
  "redis-02 root@10.0.0.124"
  "redis-03 root@10.0.0.125"
)

master_name="kb-redis-master"
down_after=5000

usage() {
  cat <<USAGE
usage: $0 --yes [--crash]
  --yes    the master of $master_name may be stopped now
  --crash  kill it instead of stopping it: nobody hands over, the Sentinels notice after $down_after ms
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

limit=60
recovery=600
writes_before=20
writes_after=20

# on_member NAME ARG...: redis-member on that server.
on_member() {
  local name=$1 host
  shift
  for host in "${members[@]}"; do
    if [ "${host%% *}" != "$name" ]; then continue; fi
    remote "${host#* }" /usr/local/sbin/redis-member "$@" </dev/null
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
  seen=$(on_member "$writer" master)
  [ "$seen" != "$old_master" ]
}

acknowledged() { [ "$(on_member "$writer" drill-progress | cut -d ' ' -f 1)" -ge "$1" ]; }

# Whatever happens, the member that was stopped is started and the writer ends.
old_master=
writer=
report=$(mktemp -d -t drill.XXXXXXXX)
# shellcheck disable=SC2154  # lib/fleet.sh sets fleet_reports
tidy_up() {
  trap - ERR
  if [ -n "$old_master" ]; then
    on_member "$old_master" drill-start || log "could not start $old_master: systemctl start redis-docker there"
  fi
  if [ -n "$writer" ]; then
    on_member "$writer" drill-end >/dev/null || log "could not end the writer on $writer"
    on_member "$writer" drill-clean || log "could not take away what the drill has written"
  fi
  rm -rf -- "$report" "$fleet_reports"
  kb_leave
}

# ---------------------------------------------------------------- before

log "asking every member; nothing is stopped unless all is well"
if ! healthy_everywhere; then fail "the cluster is not healthy: this is not the time for a drill"; fi
master=$(on_member "${members[0]%% *}" master)
for host in "${members[@]}"; do
  if [ "${host%% *}" != "$master" ]; then replica=${host%% *}; fi
done
log "$master leads; the writer runs on $replica, through 10.0.0.10:6379"

trap tidy_up EXIT
writer=$replica
if ! on_member "$writer" drill-begin "$((2 * limit + recovery + 120))"; then
  writer=
  fail "$replica cannot write there: do the proxies reach the master?"
fi
wait_for 30 acknowledged "$writes_before"

# ---------------------------------------------------------------- the loss

old_master=$master
began=$SECONDS
log "$manner on $old_master"
on_member "$old_master" "$manner"
wait_for "$limit" led_by_another
log "$(on_member "$writer" master) leads, $((SECONDS - began)) s after"
done_before=$(on_member "$writer" drill-progress | cut -d ' ' -f 1)
wait_for "$limit" acknowledged "$((done_before + writes_after))"

log "starting $old_master again"
on_member "$old_master" drill-start
wait_for "$recovery" healthy_everywhere
log "$old_master is back as a replica, $((SECONDS - began)) s after the loss"
old_master=

# ---------------------------------------------------------------- the reckoning

on_member "$writer" drill-end >"$report/attempts"
on_member "$writer" drill-numbers | sort >"$report/found"
awk '$4 == "ok" { print $1 }' "$report/attempts" | sort >"$report/acknowledged"
lost=$(comm -23 "$report/acknowledged" "$report/found" | wc -l)
unasked=$(comm -13 "$report/acknowledged" "$report/found" | wc -l)
outage=$(awk '$4 == "ok" { if (last && $3 - last > longest) longest = $3 - last; last = $3 }
  END { printf "%d", longest }' "$report/attempts")
on_member "$writer" drill-clean
writer=

cat <<REPORT
longest time without a write: $((outage / 1000)).$(printf '%03d' "$((outage % 1000))") s (limit $limit s)
writes acknowledged: $(wc -l <"$report/acknowledged"), of these lost: $lost
attempts that failed: $(grep -c ' failed$' "$report/attempts" || true), of these written all the same: $unasked
REPORT
if [ "$lost" -gt 0 ] && [ "$manner" = drill-crash ]; then
  # Redis acknowledges before replicas have it; the number is the result of this drill.
  log "replication is asynchronous: a crash may lose the last writes, and lost $lost"
  lost=0
fi
if [ "$lost" -gt 0 ]; then fail "$lost acknowledged writes are gone"; fi
if [ "$outage" -gt "$((limit * 1000))" ]; then fail "writers waited longer than $limit s"; fi
log "the drill passed"
