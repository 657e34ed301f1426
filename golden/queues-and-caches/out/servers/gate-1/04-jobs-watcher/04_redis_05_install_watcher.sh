#!/usr/bin/env bash
# Installs the watcher beside this proxy. One after the other, so that its twin serves meanwhile.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

watcher="jobs-watcher"
unit=$watcher.service

if [ ! -S /run/haproxy/admin.sock ]; then
  fail "/run/haproxy/admin.sock is not there: the watcher belongs beside a HAProxy that was installed before"
fi

install_file 0755 0:0 /usr/local/sbin/jobs-watcher
fill_file 0600 0:0 /etc/jobs-watcher/jobs-watcher.env
install_file 0644 0:0 /etc/systemd/system/jobs-watcher.service
systemctl daemon-reload
restart_if_changed "$unit"

follows() { "/usr/local/sbin/$watcher" status | grep -qx 'state=following'; }
if ! wait_for 30 follows; then
  journalctl --unit "$unit" --lines 20 --no-pager >&2
  fail "the watcher has found no master that a majority of the Sentinels names; its journal is above"
fi
log "$("/usr/local/sbin/$watcher" status | paste -s -d ' ')"
