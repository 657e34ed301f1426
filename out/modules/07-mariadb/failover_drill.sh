#!/usr/bin/env bash
# Loses the member that takes the writes, on purpose, while a client writes through the official address; measures how long
# the client could not, and counts whether every row that was acknowledged is still there.
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

cluster=keybuzz-galera
suspect_timeout=10

usage() {
  cat <<USAGE
usage: $0 --yes [--crash]
  --yes    the member of $cluster that takes the writes may be stopped now
  --crash  kill it instead of stopping it: the others notice after evs_suspect_timeout, $suspect_timeout s
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
recovery=3600
rows_before=20
rows_after=20

# on_member NAME ARG...: galera-member on that server.
on_member() {
  local name=$1 host
  shift
  for host in "${members[@]}"; do
    if [ "${host%% *}" != "$name" ]; then continue; fi
    remote "${host#* }" /usr/local/sbin/galera-member "$@" </dev/null
    return
  done
  fail "$name is no member"
}

# Each member asks all others; one of them may be cut off from some.
healthy_everywhere() {
  local host
  for host in "${members[@]}"; do on_member "${host%% *}" healthy || return 1; done
}

# The official address leads to another member than the one that was lost.
taken_over() {
  local seen
  seen=$(on_member "$observer" writer)
  [ -n "$seen" ] && [ "$seen" != "$lost_member" ]
}

acknowledged() { [ "$(on_member "$observer" drill-progress | cut -d ' ' -f 1)" -ge "$1" ]; }

# Whatever happens, the member that was stopped is started and the client ends.
lost_member=
observer=
report=$(mktemp -d -t drill.XXXXXXXX)
# shellcheck disable=SC2154  # lib/fleet.sh sets fleet_reports
tidy_up() {
  trap - ERR
  if [ -n "$lost_member" ]; then
    on_member "$lost_member" drill-start || log "could not start $lost_member: systemctl start mariadb-docker there"
  fi
  if [ -n "$observer" ]; then on_member "$observer" drill-end >/dev/null || log "could not end the client on $observer"; fi
  rm -rf -- "$report" "$fleet_reports"
  kb_leave
}

# ---------------------------------------------------------------- before

log "asking every member; nothing is stopped unless all is well"
if ! healthy_everywhere; then fail "the cluster is not healthy: this is not the time for a drill"; fi
first=${members[0]}
writer=$(on_member "${first%% *}" writer)
client=
for host in "${members[@]}"; do
  if [ "${host%% *}" != "$writer" ]; then client=${host%% *}; fi
done
log "$writer takes the writes; the client runs on $client, through 10.0.0.20:3306"

trap tidy_up EXIT
observer=$client
if ! on_member "$observer" drill-begin "$((limit + recovery + 120))"; then
  observer=
  fail "$client cannot write there"
fi
wait_for 30 acknowledged "$rows_before"

# ---------------------------------------------------------------- the loss

lost_member=$writer
began=$SECONDS
log "$manner on $lost_member"
on_member "$lost_member" "$manner"
wait_for "$limit" taken_over
log "$(on_member "$observer" writer) takes the writes, $((SECONDS - began)) s after"
done_before=$(on_member "$observer" drill-progress | cut -d ' ' -f 1)
wait_for "$limit" acknowledged "$((done_before + rows_after))"

log "starting $lost_member again"
on_member "$lost_member" drill-start
wait_for "$recovery" healthy_everywhere
log "$lost_member is back and Synced, $((SECONDS - began)) s after the loss"
lost_member=
done_before=$(on_member "$observer" drill-progress | cut -d ' ' -f 1)
wait_for "$limit" acknowledged "$((done_before + rows_after))"

# ---------------------------------------------------------------- the reckoning

on_member "$observer" drill-end >"$report/attempts"
on_member "$observer" drill-rows | sort >"$report/found"
awk '$4 == "ok" { print $1 }' "$report/attempts" | sort >"$report/acknowledged"
lost=$(comm -23 "$report/acknowledged" "$report/found" | wc -l)
unasked=$(comm -13 "$report/acknowledged" "$report/found" | wc -l)
outage=$(awk '$4 == "ok" { if (last && $3 - last > longest) longest = $3 - last; last = $3 }
  END { printf "%d", longest }' "$report/attempts")
on_member "$observer" drill-clean
observer=

cat <<REPORT
longest time without a written row: $((outage / 1000)).$(printf '%03d' "$((outage % 1000))") s (limit $limit s)
rows acknowledged: $(wc -l <"$report/acknowledged"), of these lost: $lost
attempts that failed: $(grep -c ' failed$' "$report/attempts" || true), of these written all the same: $unasked
REPORT
if [ "$lost" -gt 0 ]; then fail "$lost acknowledged rows are gone"; fi
if [ "$outage" -gt "$((limit * 1000))" ]; then fail "the client waited longer than $limit s"; fi
log "the drill passed"
