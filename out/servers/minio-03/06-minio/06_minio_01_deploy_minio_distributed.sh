#!/usr/bin/env bash
# Installs this node and starts it. All nodes at once: none serves before it has found a quorum of the
# others. A node that runs is not interrupted; what would need a restart is said, and how.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

unit=minio-docker.service
self=10.0.0.132
port=9000
image=minio/minio:RELEASE.2024-10-02T17-50-41Z

"$here/usr/local/sbin/minio-member" guard >&2

fill_file 0600 0:0 /etc/minio/minio.env
fill_file 0600 0:0 /etc/minio/mc.env
install_file 0644 0:0 /etc/minio/policies.json
install_file 0644 0:0 /etc/minio/lifecycle.json
fill_file 0600 0:0 /etc/minio/role-secrets
install_file 0644 0:0 /etc/systemd/system/minio-docker.service
install_file 0755 0:0 /usr/local/sbin/minio-member
install_file 0755 0:0 /etc/minio/drill-client.sh
systemctl daemon-reload

# What a running container was started with, and cannot be told anew.
restart_reasons() {
  local file since
  since=$(docker inspect --format '{{.State.StartedAt}}' minio)
  since=$(date --date "$since" +%s)
  for file in /etc/systemd/system/minio-docker.service /etc/minio/minio.env; do
    if [ "$(stat -c %Y -- "$file")" -gt "$since" ]; then echo "$file"; fi
  done
  if [ "$(docker inspect --format '{{.Image}}' minio)" != "$(docker image inspect --format '{{.Id}}' "$image")" ]; then
    echo "$image"
  fi
}

# This node has found the others, and enough drives to write.
serves() {
  curl --silent --show-error --fail --max-time 15 --output /dev/null "http://$self:$port/minio/health/cluster"
}

if ! unit_enabled "$unit"; then systemctl enable --quiet "$unit"; fi
was_active=false
if unit_active "$unit"; then
  was_active=true
else
  log "starting $unit"
  systemctl start "$unit"
fi

if ! wait_for 180 serves; then
  journalctl --unit "$unit" --lines 30 --no-pager >&2
  fail "this node does not serve; its journal is above. \"mismatching configuration\" there: the other nodes
still run with another one, and all must be restarted together"
fi
wait_for 180 /usr/local/sbin/minio-member remember
log "this node serves"

if [ "$was_active" = true ]; then
  mapfile -t reasons < <(restart_reasons)
  if [ "${#reasons[@]}" -gt 0 ]; then
    log "a restart is needed, because these are newer than the container: ${reasons[*]}"
    log "of all nodes together, from the install host, a few seconds of interruption: modules/06-minio/restart.sh --together"
  fi
fi
