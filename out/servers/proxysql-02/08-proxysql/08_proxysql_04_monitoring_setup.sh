#!/usr/bin/env bash
# Starts the timer of the monitoring script, and lets it look once.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

timer=monitor-proxysql.timer

install -d -m 0755 /var/lib/prometheus/node-exporter
# Its file came with the others; a timer that runs goes by the one that it was started with.
if unit_active "$timer" && [ "$(stat -c %Y -- "/etc/systemd/system/$timer")" -gt \
  "$(date --date "$(systemctl show --property=ActiveEnterTimestamp --value "$timer")" +%s)" ]; then
  log "restarting $timer: its file changed"
  systemctl restart "$timer"
fi
restart_if_changed "$timer"

# What it finds is its own affair; that it could look, and wrote what it saw, is this step's.
began=$(date +%s)
systemctl start --no-block monitor-proxysql.service
has_looked() {
  awk -v began="$began" '$1 == "up" { up = $2 } $1 == "time" { when = $2 } END { exit !(up == 1 && when >= began) }' \
    /run/monitor-proxysql/status
}
wait_for 30 has_looked
log "$(tr '\n' ' ' </run/monitor-proxysql/status)"
