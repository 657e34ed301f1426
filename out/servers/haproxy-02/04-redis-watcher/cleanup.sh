#!/usr/bin/env bash
# Takes the watcher off this host: cleanup.sh --yes=<topology>/<service>. HAProxy's own role check decides
# about all members again. Credentials stay.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

wanted=--yes=keybuzz/redis-watcher
if [ "${1:-}" != "$wanted" ]; then
  fail "without its watcher the proxy on haproxy-02 cannot tell two masters apart; if that is meant: $0 $wanted"
fi
if [ "$#" -gt 1 ]; then fail "there is nothing else to say than $wanted"; fi

# First, so that installing again begins at the beginning even when this does not come to its end.
rm -rf -- /opt/keybuzz-installer/state/receipts/04-redis-watcher

unit=redis-watcher.service
if unit_exists "$unit"; then
  log "stopping $unit"
  systemctl disable --now "$unit"
fi
remove_file /usr/local/sbin/redis-watcher
remove_file /etc/redis-watcher/redis-watcher.env
remove_file /etc/systemd/system/redis-watcher.service
systemctl daemon-reload
