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

install -d -m 0755 /var/lib/prometheus/node-exporter
restart_if_changed monitor-galera.timer

# What it finds is its own affair; that it could look, and wrote what it saw, is this step's.
began=$(date +%s)
systemctl start --no-block monitor-galera.service
has_looked() {
  awk -v began="$began" '$1 == "up" { up = $2 } $1 == "time" { when = $2 } END { exit !(up == 1 && when >= began) }' \
    /run/monitor-galera/status
}
wait_for 60 has_looked
log "$(tr '\n' ' ' </run/monitor-galera/status)"
