#!/usr/bin/env bash
# Takes the pool off this host: cleanup.sh --yes=<topology>/<service>. Credentials stay.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

wanted=--yes=keybuzz/pgbouncer
if [ "${1:-}" != "$wanted" ]; then
  fail "this stops the pool on haproxy-01, and its clients lose their connections; if that is meant: $0 $wanted"
fi
if [ "$#" -gt 1 ]; then fail "there is nothing else to say than $wanted"; fi

# First, so that installing again begins at the beginning even when this does not come to its end.
rm -rf -- /opt/keybuzz-installer/state/receipts/03-pgbouncer

unit=pgbouncer-docker.service
if unit_exists "$unit"; then
  log "stopping $unit"
  systemctl disable --now "$unit"
fi
if docker container inspect pgbouncer >/dev/null 2>&1; then docker rm --force pgbouncer; fi
remove_file /etc/pgbouncer/pgbouncer.ini
remove_file /etc/pgbouncer/userlist.txt
remove_file /etc/pgbouncer/validate.pgpass
remove_file /etc/systemd/system/pgbouncer-docker.service
systemctl daemon-reload
