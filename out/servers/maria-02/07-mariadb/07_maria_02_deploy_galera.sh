#!/usr/bin/env bash
# Starts this member, if it does not run, and waits until it has everything that the others have. Members come one at a
# time: each needs another one as donor. A member that runs is left alone, and what it needs a restart for is said.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

unit=mariadb-docker.service
image=mariadb:10.11.6

if ! unit_enabled "$unit"; then systemctl enable --quiet "$unit"; fi
was_active=false
if unit_active "$unit"; then was_active=true; fi
if [ "$was_active" = false ]; then
  log "starting $unit"
  systemctl start "$unit"
fi
if ! galera-member wait-synced 3600; then
  journalctl --unit "$unit" --lines 30 --no-pager >&2
  fail "this member is not Synced; its journal is above. When no member is Primary: recover.sh on the install host"
fi
log "maria-02 is Synced"

# Files that are newer than the running container, or a newer image under the same name.
restart_reasons() {
  local file since
  since=$(date --date "$(docker inspect --format '{{.State.StartedAt}}' mariadb)" +%s)
  for file in /etc/systemd/system/mariadb-docker.service /etc/mariadb/my.cnf; do
    if [ "$(stat -c %Y -- "$file")" -gt "$since" ]; then echo "$file"; fi
  done
  if [ "$(docker inspect --format '{{.Image}}' mariadb)" != \
    "$(docker image inspect --format '{{.Id}}' "$image")" ]; then
    echo "$image"
  fi
}

if [ "$was_active" = true ]; then
  mapfile -t reasons < <(restart_reasons)
  if [ "${#reasons[@]}" -gt 0 ]; then
    log "a restart is needed, because these are newer than the container: ${reasons[*]}"
    log "one member at a time, the writer last:  galera-member restart"
    log "it asks all members first, refuses while one of them is not well, and waits until this one is back"
  fi
fi
