#!/usr/bin/env bash
# Installs this instance. One after the other, so that its twin serves meanwhile. Only what cannot be
# reloaded restarts it: its unit, its image, the addresses that it listens on.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

unit=pgbouncer-docker.service
image=edoburu/pgbouncer:1.22.1-p0
archive=/opt/keybuzz-installer/images/pgbouncer/image.tar

if ! docker image inspect "$image" >/dev/null 2>&1; then
  if [ -f "$archive" ]; then
    docker load --quiet --input "$archive"
  else
    docker pull --quiet "$image"
  fi
fi

install -d -m 0755 /etc/pgbouncer

# What it listens on now, to see whether that is about to change.
listen_before=$(grep -s '^listen_' /etc/pgbouncer/pgbouncer.ini || true)

install_file 0644 0:0 /etc/pgbouncer/pgbouncer.ini
fill_file 0600 70:70 /etc/pgbouncer/userlist.txt
fill_file 0600 0:0 /etc/pgbouncer/validate.pgpass
install_file 0644 0:0 /etc/systemd/system/pgbouncer-docker.service
systemctl daemon-reload

# The container was started with these; everything else it reads again.
needs_restart() {
  local since
  since=$(date --date "$(docker inspect --format '{{.State.StartedAt}}' pgbouncer)" +%s)
  [ "$(stat -c %Y -- /etc/systemd/system/pgbouncer-docker.service)" -gt "$since" ] ||
    [ "$(docker inspect --format '{{.Image}}' pgbouncer)" != "$(docker image inspect --format '{{.Id}}' "$image")" ] ||
    [ "$(grep '^listen_' /etc/pgbouncer/pgbouncer.ini)" != "$listen_before" ]
}

if unit_active "$unit" && needs_restart; then
  log "restarting $unit: it cannot be told anew what changed"
  systemctl restart "$unit"
else
  restart_if_changed "$unit" reload
fi

listens() { (: <"/dev/tcp/127.0.0.1/$1"); }
wait_for 30 listens 6432
