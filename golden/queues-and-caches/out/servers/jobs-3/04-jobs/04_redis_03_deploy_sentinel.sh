#!/usr/bin/env bash
# Starts the Sentinel of this member where it does not run. A running one is told what has changed and
# keeps what it has learned.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

unit=redis-sentinel-docker.service
member=/usr/local/sbin/redis-member
master_name="jobs"

# It knows a master, and enough others to replace it.
ready() { "$member" sentinel SENTINEL CKQUORUM "$master_name" | grep -q '^OK '; }

if ! unit_enabled "$unit"; then systemctl enable --quiet "$unit"; fi
if unit_active "$unit"; then
  if ! "$member" apply-sentinel; then log "the rest waits for 04_redis_04_restart_members"; fi
else
  log "starting $unit"
  systemctl start "$unit"
fi

if ! wait_for 90 ready; then
  journalctl --unit "$unit" --lines 30 --no-pager >&2
  fail "the Sentinel has not found a majority of the others; its journal is above"
fi

# All of them, and all replicas: every ten seconds a Sentinel asks the master who there is.
if ! wait_for 90 "$member" healthy; then fail "the members and Sentinels do not see each other as they should"; fi
log "all Sentinels agree: $("$member" master) leads"
