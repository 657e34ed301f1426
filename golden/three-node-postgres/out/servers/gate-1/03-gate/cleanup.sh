#!/usr/bin/env bash
# Takes the proxy off this host: cleanup.sh --yes=<topology>/<service>. Credentials stay.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

wanted=--yes=orchard/gate
if [ "${1:-}" != "$wanted" ]; then
  fail "this stops the proxy on gate-1, and its clients lose their connections; if that is meant: $0 $wanted"
fi
if [ "$#" -gt 1 ]; then fail "there is nothing else to say than $wanted"; fi

# First, so that installing again begins at the beginning even when this does not come to its end.
rm -rf -- /opt/orchard/state/receipts/03-gate

unit=haproxy-docker.service
if unit_exists "$unit"; then
  log "stopping $unit"
  systemctl disable --now "$unit"
fi
if docker container inspect haproxy >/dev/null 2>&1; then docker rm --force haproxy; fi
remove_file /etc/haproxy/haproxy.cfg
remove_file /etc/haproxy/haproxy.env
remove_file /etc/systemd/system/haproxy-docker.service
systemctl daemon-reload
