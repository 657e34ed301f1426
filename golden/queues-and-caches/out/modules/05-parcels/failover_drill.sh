#!/usr/bin/env bash
# Takes away the member that leads a quorum queue while a client publishes, measures how long the
# client waited for a confirmation, and counts whether every confirmed message is still there.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # lib/fleet.sh reads them
root=/opt/meridian folder=05-parcels
# shellcheck source=/dev/null
. "$here/../../lib/fleet.sh"
trap 'kb_failed "$?"' ERR

members=(
  "mq-1 deploy@192.168.64.31"
  "mq-2 deploy@192.168.64.32"
  "mq-3 deploy@192.168.64.33"
  "mq-4 deploy@192.168.64.34"
  "mq-5 deploy@192.168.64.35"
)

cluster=rabbitmq

usage() {
  cat <<USAGE
usage: $0 --yes [--crash]
  --yes    a member of $cluster may be stopped now
  --crash  kill it instead of stopping it
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
messages_before=50
messages_after=50

# on_member NAME ARG...: rmq-member on that server.
on_member() {
  local name=$1 host
  shift
  for host in "${members[@]}"; do
    if [ "${host%% *}" != "$name" ]; then continue; fi
    remote "${host#* }" /usr/local/sbin/rmq-member "$@" </dev/null
    return
  done
  fail "$name is no member"
}

# One member asks all of them.
healthy() { on_member "$writer" healthy; }

# Another member than the one that was lost leads.
led_by_another() {
  local seen
  seen=$(on_member "$writer" drill-leader)
  [ "$seen" != "$lost_member" ]
}

confirmed_messages() { [ "$(on_member "$writer" drill-progress)" -ge "$1" ]; }

# Whatever happens, the member that was stopped is started, the publisher ends, and its virtual host goes.
lost_member=
writer=
report=$(mktemp -d -t drill.XXXXXXXX)
# shellcheck disable=SC2154  # lib/fleet.sh sets fleet_reports
tidy_up() {
  trap - ERR
  if [ -n "$lost_member" ]; then
    on_member "$lost_member" drill-start || log "could not start $lost_member: docker start rabbitmq there"
  fi
  if [ -n "$writer" ]; then
    on_member "$writer" drill-end >/dev/null || log "could not end the publisher on $writer"
    on_member "$writer" drill-clean || log "could not delete the drill's virtual host: rmq-member drill-clean on $writer"
  fi
  rm -rf -- "$report" "$fleet_reports"
  kb_leave
}

# ---------------------------------------------------------------- before

log "asking every member; nothing is stopped unless all is well"
first=${members[0]%% *}
if ! on_member "$first" healthy; then fail "the cluster is not healthy: this is not the time for a drill"; fi

trap tidy_up EXIT
on_member "$first" drill-prepare || fail "no queue can be made at 192.168.64.200:5672"
leader=$(on_member "$first" drill-leader)
# The publisher must not sit on the member that goes.
for host in "${members[@]}"; do
  if [ "${host%% *}" != "$leader" ]; then writer=${host%% *}; fi
done
log "$leader leads; the publisher runs on $writer, through 192.168.64.200:5672"
on_member "$writer" drill-begin "$((limit + recovery + 120))"
wait_for 30 confirmed_messages "$messages_before"

# ---------------------------------------------------------------- the loss

lost_member=$leader
began=$SECONDS
log "$manner on $lost_member"
on_member "$lost_member" "$manner"
wait_for "$limit" led_by_another
log "$(on_member "$writer" drill-leader) leads, $((SECONDS - began)) s after"
done_before=$(on_member "$writer" drill-progress)
wait_for "$limit" confirmed_messages "$((done_before + messages_after))"

log "starting $lost_member again"
on_member "$lost_member" drill-start
wait_for "$recovery" healthy
log "$lost_member is back, $((SECONDS - began)) s after the loss"
lost_member=

# ---------------------------------------------------------------- the reckoning

on_member "$writer" drill-end >"$report/attempts"
on_member "$writer" drill-rows | sort >"$report/found"
awk '$4 == "ok" { print $1 }' "$report/attempts" | sort >"$report/confirmed"
lost=$(comm -23 "$report/confirmed" "$report/found" | wc -l)
unasked=$(comm -13 "$report/confirmed" "$report/found" | wc -l)
outage=$(awk '$4 == "ok" { if (last && $3 - last > longest) longest = $3 - last; last = $3 }
  END { printf "%d", longest }' "$report/attempts")
on_member "$writer" drill-clean
writer=

cat <<REPORT
longest time without a confirmation: $((outage / 1000)).$(printf '%03d' "$((outage % 1000))") s (limit $limit s)
messages confirmed: $(wc -l <"$report/confirmed"), of these lost: $lost
attempts that failed: $(grep -c ' failed$' "$report/attempts" || true), of these written all the same: $unasked
REPORT
if [ "$lost" -gt 0 ]; then fail "$lost confirmed messages are gone"; fi
if [ "$outage" -gt "$((limit * 1000))" ]; then fail "publishers waited longer than $limit s"; fi
log "the drill passed"
