#!/usr/bin/env bash
# Installs this proxy. One after the other, so that its twin serves meanwhile. Only what cannot be
# reloaded restarts it: its unit, its image, its password.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

unit=haproxy-docker.service
image=haproxy:2.8.5
archive=/opt/keybuzz-installer/images/haproxy/image.tar

if ! docker image inspect "$image" >/dev/null 2>&1; then
  if [ -f "$archive" ]; then
    docker load --quiet --input "$archive"
  else
    docker pull --quiet "$image"
  fi
fi

# Before anything is touched, by the program that will read it. Passwords do not matter here.
docker run --rm --pull never --network none --user 0 --entrypoint haproxy \
  --env HAPROXY_STATS_PASSWORD=unused --env REDIS_PASSWORD=unused \
  --mount "type=bind,src=$here/etc/haproxy,dst=/usr/local/etc/haproxy,readonly" \
  "$image" -c -f /usr/local/etc/haproxy/haproxy.cfg

install_file 0644 0:0 /etc/haproxy/haproxy.cfg
fill_file 0600 0:0 /etc/haproxy/haproxy.env
install_file 0644 0:0 /etc/systemd/system/haproxy-docker.service
systemctl daemon-reload

# The container was started with these; everything else it reads again.
needs_restart() {
  local file since
  since=$(date --date "$(docker inspect --format '{{.State.StartedAt}}' haproxy)" +%s)
  for file in /etc/systemd/system/haproxy-docker.service /etc/haproxy/haproxy.env; do
    if [ "$(stat -c %Y -- "$file")" -gt "$since" ]; then return 0; fi
  done
  [ "$(docker inspect --format '{{.Image}}' haproxy)" != "$(docker image inspect --format '{{.Id}}' "$image")" ]
}

if unit_active "$unit" && needs_restart; then
  log "restarting $unit: it cannot be told anew what changed"
  systemctl restart "$unit"
else
  restart_if_changed "$unit" reload
fi

# listens PORT...
listens() {
  local port
  for port in "$@"; do (: <"/dev/tcp/127.0.0.1/$port"); done
}
wait_for 30 listens 5432 6379 5672
