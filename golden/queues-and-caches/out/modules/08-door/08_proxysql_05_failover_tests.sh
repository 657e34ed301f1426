#!/usr/bin/env bash
# Takes every proxy in turn, and then the writer, out of service while a client writes at the official
# address. Measures how long the client could not write, and counts whether every row that was
# acknowledged is still there. (The loss of a database server is the drill of tills.)
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # lib/fleet.sh reads them
root=/opt/meridian folder=08-door
# shellcheck source=/dev/null
. "$here/../../lib/fleet.sh"
trap 'kb_failed "$?"' ERR

members=(
  "door-1 deploy@192.168.64.21"
  "door-2 deploy@192.168.64.22"
)

usage() {
  cat <<USAGE
usage: $0 --yes [--crash]
  --yes    every proxy may be stopped now, one at a time, and the writer may change
  --crash  kill proxies instead of stopping them
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

host=192.168.64.201
port=3306
limit=30
recovery=120
rows_before=20
rows_after=20

# on_member NAME ARG...: proxysql-member on that server.
on_member() {
  local name=$1 server
  shift
  for server in "${members[@]}"; do
    if [ "${server%% *}" != "$name" ]; then continue; fi
    remote "${server#* }" /usr/local/sbin/proxysql-member "$@" </dev/null
    return
  done
  fail "$name is no member"
}

first=${members[0]%% *}
healthy() { on_member "$first" healthy; }

acknowledged() { [ "$(on_member "$client" drill-progress | cut -d ' ' -f 1)" -ge "$1" ]; }
rows_written() { on_member "$client" drill-progress | cut -d ' ' -f 1; }
more_rows() { wait_for "$limit" acknowledged "$(($(rows_written) + rows_after))"; }

# Whatever happens: what was stopped is started, what was drained takes part again, the client ends.
stopped=
drained=
client=
report=$(mktemp -d -t drill.XXXXXXXX)
# shellcheck disable=SC2154  # lib/fleet.sh sets fleet_reports
tidy_up() {
  trap - ERR
  if [ -n "$stopped" ]; then
    on_member "$stopped" drill-start || log "could not start $stopped: systemctl start proxysql-docker there"
  fi
  if [ -n "$drained" ]; then on_member "$first" undrain || log "could not undo the drain: proxysql-member undrain on $first"; fi
  if [ -n "$client" ]; then on_member "$client" drill-end >/dev/null || log "could not end the client on $client"; fi
  rm -rf -- "$report" "$fleet_reports"
  kb_leave
}

# begin NAME: the client runs on that server.
begin() {
  if ! on_member "$1" drill-begin "$host" "$port" "$((2 * limit + 2 * recovery))"; then
    fail "$1 cannot write at $host:$port"
  fi
  client=$1
  wait_for 30 acknowledged "$rows_before"
}

# reckon WHAT: ends the client, and counts.
reckon() {
  local lost unasked outage failed
  on_member "$client" drill-end >"$report/attempts"
  on_member "$client" drill-rows "$host" "$port" | sort >"$report/found"
  awk '$4 == "ok" { print $1 }' "$report/attempts" | sort >"$report/acknowledged"
  lost=$(comm -23 "$report/acknowledged" "$report/found" | wc -l)
  unasked=$(comm -13 "$report/acknowledged" "$report/found" | wc -l)
  failed=$(awk '$4 == "failed" { n++ } END { print n + 0 }' "$report/attempts")
  outage=$(awk '$4 == "ok" { if (last && $3 - last > longest) longest = $3 - last; last = $3 }
    END { printf "%d", longest }' "$report/attempts")
  on_member "$client" drill-clean "$host" "$port"
  client=
  cat <<REPORT
$1
  longest time without a written row: $((outage / 1000)).$(printf '%03d' "$((outage % 1000))") s (limit $limit s)
  rows acknowledged: $(wc -l <"$report/acknowledged"), of these lost: $lost
  attempts that failed: $failed, of these written all the same: $unasked
REPORT
  if [ "$lost" -gt 0 ]; then fail "$1: $lost acknowledged rows are gone"; fi
  if [ "$outage" -gt "$((limit * 1000))" ]; then fail "$1: the client waited longer than $limit s"; fi
}

# ---------------------------------------------------------------- before

log "asking every proxy; nothing is stopped unless all is well"
if ! healthy; then fail "not all is well: this is not the time for a drill"; fi
trap tidy_up EXIT

# ---------------------------------------------------------------- a proxy is lost

# lose INDEX: that proxy; the client writes on the next one.
lose() {
  local proxy=${members[$1]%% *} other=${members[($1 + 1) % ${#members[@]}]%% *}
  log "$manner on $proxy; the client writes on $other, at $host:$port"
  begin "$other"
  stopped=$proxy
  on_member "$proxy" "$manner"
  more_rows
  log "starting $proxy again"
  on_member "$proxy" drill-start
  stopped=
  wait_for "$recovery" healthy
  more_rows
  reckon "$proxy lost ($manner)"
}

# Where clients come to a proxy itself, or there is one only, its loss is an outage, and nothing is tried by it.
if printf '%s\n' "${members[@]##*@}" | grep -qxF -- "$host"; then
  log "no load balancer stands in front: $host is a proxy, and proxies are not stopped"
elif [ "${#members[@]}" -lt 2 ]; then
  log "there is no second proxy, and the only one is not stopped"
else
  for index in "${!members[@]}"; do lose "$index"; done
fi

# ---------------------------------------------------------------- the writer hands over

writer=$(on_member "$first" writer)
log "draining $writer on every proxy; the client writes on $first, at $host:$port"
begin "$first"
drained=$writer
on_member "$first" drain "$writer"
more_rows
log "giving it its weight again"
on_member "$first" undrain
drained=
wait_for "$recovery" healthy
more_rows
reckon "writer $writer drained and back"

log "the drill passed"
