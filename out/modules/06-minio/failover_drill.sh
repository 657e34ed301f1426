#!/usr/bin/env bash
# Loses a node on purpose while a client writes and reads, measures how long the client could do
# neither, and compares every object that was acknowledged, on the node that was away as well.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # lib/fleet.sh reads them
root=/opt/keybuzz-installer folder=06-minio
# shellcheck source=/dev/null
. "$here/../../lib/fleet.sh"
trap 'kb_failed "$?"' ERR

# In the order of the endpoints.
nodes=(
  "minio-01 10.0.0.134"
  "minio-02 10.0.0.131"
  "minio-03 10.0.0.132"
)
members=(
  "minio-02 root@10.0.0.131"
  "minio-03 root@10.0.0.132"
  "minio-01 root@10.0.0.134"
)
entry=10.0.0.134
service=minio

usage() {
  cat <<USAGE
usage: $0 --yes [--crash] [--node=NAME]
  --yes        a node of $service may be stopped now
  --crash      kill it instead of stopping it
  --node=NAME  which one; without it the last that is not the entry point
USAGE
}

confirmed=false
manner=drill-stop
victim=
for argument in "$@"; do
  case $argument in
    --yes) confirmed=true ;;
    --crash) manner=drill-crash ;;
    --node=?*) victim=${argument#*=} ;;
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

limit=30
recovery=180
heal_limit=300
objects_before=10
objects_after=20

# on_member NAME ARG...: minio-member on that server.
on_member() {
  local name=$1 host
  shift
  for host in "${members[@]}"; do
    if [ "${host%% *}" != "$name" ]; then continue; fi
    remote "${host#* }" /usr/local/sbin/minio-member "$@" </dev/null
    return
  done
  fail "$name is no node"
}

# Stopping the entry point would show what is known: nobody gets in. It is declared as a single point.
address=
client=
for node in "${nodes[@]}"; do
  if [ "${node#* }" = "$entry" ]; then
    if [ "$victim" = "${node%% *}" ]; then fail "$victim is the entry point of all clients: their way in does not survive it"; fi
    continue
  fi
  if [ -z "$victim" ] || [ "${node%% *}" = "$victim" ]; then
    address=${node#* }
  fi
done
for node in "${nodes[@]}"; do
  if [ "${node#* }" = "$address" ]; then
    victim=${node%% *}
  elif [ "${node#* }" != "$entry" ]; then
    client=${node%% *}
  fi
done
if [ -z "$address" ]; then fail "--node: $victim is no node of $service"; fi

progress() { on_member "$client" drill-progress; }
written() { [ "$(progress | cut -d ' ' -f 1)" -ge "$1" ]; }
read_back() { [ "$(progress | cut -d ' ' -f 2)" -ge "$1" ]; }
healthy_again() { on_member "$client" healthy; }

# Whatever happens, the node that was stopped is started, and the client ends and leaves nothing.
stopped=
running=
report=$(mktemp -d -t drill.XXXXXXXX)
# shellcheck disable=SC2154  # lib/fleet.sh sets fleet_reports
tidy_up() {
  trap - ERR
  if [ -n "$stopped" ]; then
    on_member "$stopped" drill-start || log "could not start $stopped: systemctl start minio-docker there"
  fi
  if [ -n "$running" ]; then
    on_member "$client" drill-end >/dev/null || log "could not end the client on $client"
    on_member "$client" drill-clean || log "could not remove the drill's objects"
  fi
  rm -rf -- "$report" "$fleet_reports"
  kb_leave
}

# ---------------------------------------------------------------- before

log "asking every node; nothing is stopped unless all is well"
for host in "${members[@]}"; do
  on_member "${host%% *}" healthy || fail "not healthy as ${host%% *} sees it: this is not the time for a drill"
done
on_member "$victim" may-stop
log "$victim goes; the client runs on $client, through $entry:9000"

trap tidy_up EXIT
running=$client
run=$(on_member "$client" drill-begin "$((limit + recovery + 300))")
wait_for 60 written "$objects_before"

# ---------------------------------------------------------------- the loss

stopped=$victim
began=$SECONDS
log "$manner on $victim"
on_member "$victim" "$manner"
read -r writes reads <<<"$(progress)"
wait_for "$((limit + 60))" written "$((writes + objects_after))"
wait_for "$((limit + 60))" read_back "$((reads + objects_after))"
log "$objects_after objects were written and $objects_after read without it, $((SECONDS - began)) s after the loss"

log "starting $victim again"
on_member "$victim" drill-start
wait_for "$recovery" healthy_again
log "$victim is back, $((SECONDS - began)) s after the loss"
stopped=

# ---------------------------------------------------------------- the reckoning

on_member "$client" drill-end >"$report/attempts"
awk '$1 == "write" && $6 == "ok" { print $2 }' "$report/attempts" | sort >"$report/acknowledged"
lost_at_entry=$(on_member "$client" drill-compare "$entry" | wc -l)
lost_at_victim=$(on_member "$client" drill-compare "$address" | wc -l)

# The node must hold its share of what was written without it: the next loss may be another node's. Reading
# has begun to rebuild; what a person would do after it finishes that.
caught_up() {
  local missing
  on_member "$victim" drill-shares "$run" | sort >"$report/shares"
  missing=$(comm -23 "$report/acknowledged" "$report/shares" | wc -l)
  same "objects of which $victim has no share" 0 "$missing"
}
healing=$SECONDS
on_member "$victim" heal "kbgen-check/drill/$run" >/dev/null
wait_for "$heal_limit" caught_up
log "$victim holds its share of all objects, $((SECONDS - healing)) s after the client ended"

# gap KIND: the longest time between two answers, in milliseconds.
gap() {
  awk -v kind="$1" '$1 == kind && $6 == "ok" { if (last && $4 - last > longest) longest = $4 - last; last = $4 }
    END { printf "%d", longest }' "$report/attempts"
}
seconds() { printf '%d.%03d' "$(($1 / 1000))" "$(($1 % 1000))"; }
failed() { awk -v kind="$1" '$1 == kind && $6 == "failed" { count++ } END { print count + 0 }' "$report/attempts"; }

on_member "$client" drill-clean
running=
write_gap=$(gap write)
read_gap=$(gap read)

cat <<REPORT
longest time without a written object: $(seconds "$write_gap") s, without one read: $(seconds "$read_gap") s (limit $limit s)
attempts that failed: $(failed write) writes, $(failed read) reads
objects acknowledged: $(wc -l <"$report/acknowledged"), not what was written: $lost_at_entry at the entry point, $lost_at_victim at $victim
REPORT
if [ "$((lost_at_entry + lost_at_victim))" -gt 0 ]; then fail "acknowledged objects are not what was written"; fi
if [ "$write_gap" -gt "$((limit * 1000))" ]; then fail "the client could not write for longer than $limit s"; fi
if [ "$read_gap" -gt "$((limit * 1000))" ]; then fail "the client could not read for longer than $limit s"; fi
log "the drill passed"
