#!/usr/bin/env bash
# Installs this member and starts it. On a running member nothing is interrupted: what can be read
# anew is reloaded, and what would need a restart is said, with the commands that do it gently.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

unit=patroni-docker.service
cluster=keybuzz-pg
member=db-slave-02
image=keybuzz/patroni-pg16-raft:16.4-3.3.6
rest=http://10.0.0.122:8008

install_file 0644 0:0 /etc/patroni/patroni.yml
fill_file 0600 0:0 /etc/patroni/patroni.env
fill_file 0600 999:999 /etc/patroni/pgpass
fill_file 0600 0:0 /etc/patroni/role-passwords
install_file 0644 0:0 /etc/patroni/databases.sql
install_file 0644 0:0 /etc/systemd/system/patroni-docker.service
install_file 0755 0:0 /etc/patroni/drill-writer.sh
install_file 0755 0:0 /usr/local/sbin/pg-member

# What a running container was started with, and cannot be told anew.
started_from=(/etc/systemd/system/patroni-docker.service /etc/patroni/patroni.env)

started_at() { date --date "$(docker inspect --format '{{.State.StartedAt}}' patroni)" +%s; }

# Files that are newer than the running container, or a newer image under the same name.
restart_reasons() {
  local file since
  since=$(started_at)
  for file in "${started_from[@]}"; do
    if [ "$(stat -c %Y -- "$file")" -gt "$since" ]; then echo "$file"; fi
  done
  if [ "$(docker inspect --format '{{.Image}}' patroni)" != \
    "$(docker image inspect --format '{{.Id}}' "$image")" ]; then
    echo "$image"
  fi
}

# Running or streaming, in a cluster that has a leader.
member_ready() {
  curl --silent --show-error --fail --max-time 5 "$rest/cluster" | jq --exit-status --arg name "$member" '
    any(.members[]; .name == $name and (.state == "running" or .state == "streaming")) and
    any(.members[]; .role == "leader" and .state == "running")'
}

systemctl daemon-reload
was_active=false
if unit_active "$unit"; then was_active=true; fi
restart_if_changed "$unit" reload

if ! wait_for 900 member_ready; then
  journalctl --unit "$unit" --lines 30 --no-pager >&2
  fail "$member is not ready; its journal is above"
fi
log "$member is ready"

if [ "$was_active" = true ]; then
  mapfile -t reasons < <(restart_reasons)
  if [ "${#reasons[@]}" -gt 0 ]; then
    log "a restart is needed, because these are newer than the container: ${reasons[*]}"
    log "replicas first, one at a time:  systemctl restart $unit && pg-member healthy"
    log "the leader last, after:         pg-member ctl switchover $cluster --leader <leader> --force"
  fi
fi
