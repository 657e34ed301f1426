#!/usr/bin/env bash
# Installs Redis on this member and starts it where it does not run. Whom it replicates is asked of the
# others at that moment (redis-member compose-redis); nothing here makes anybody a master. A running
# member is told what has changed; what it cannot be told waits for 04_redis_04_restart_members.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

unit=redis-docker.service
member=/usr/local/sbin/redis-member

fill_file 0600 0:0 /etc/redis/redis.conf
fill_file 0600 0:0 /etc/redis/sentinel.conf
fill_file 0600 0:0 /etc/redis/client.env
install_file 0644 0:0 /etc/systemd/system/redis-docker.service
install_file 0644 0:0 /etc/systemd/system/redis-sentinel-docker.service
install_file 0755 0:0 /usr/local/sbin/redis-member
systemctl daemon-reload

# A master that serves, or a replica that has copied everything.
ready() {
  local info
  info=$("$member" cli INFO | tr -d '\r')
  grep -qx 'loading:0' <<<"$info"
  grep -qxE 'role:master|master_link_status:up' <<<"$info"
}

# For both, Redis and Sentinel, and on all members before anybody uses it.
"$member" accept-passwords

if ! unit_enabled "$unit"; then systemctl enable --quiet "$unit"; fi
if unit_active "$unit"; then
  if ! "$member" apply-redis; then log "the rest waits for 04_redis_04_restart_members"; fi
else
  log "starting $unit"
  systemctl start "$unit"
fi

if ! wait_for 600 ready; then
  journalctl --unit "$unit" --lines 30 --no-pager >&2
  fail "Redis is not ready; its journal is above"
fi
log "Redis is ready: $("$member" cli ROLE | head -n 1)"
