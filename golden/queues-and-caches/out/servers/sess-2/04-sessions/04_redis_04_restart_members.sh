#!/usr/bin/env bash
# Restarts this member's containers where they were started from something else than what is there now:
# the unit, the image, or parameters that a running process cannot be told. One member at a time, and
# only while all the others are well; a master hands over first, without losing a write.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

member=/usr/local/sbin/redis-member
image=registry.meridian.example/redis:7.2.5-alpine

started_at() { date --date "$(docker inspect --format '{{.State.StartedAt}}' "$1")" +%s; }

# reasons KIND CONTAINER: why this container is not what it should be.
reasons() {
  local kind=$1 container=$2 unit=/etc/systemd/system/$2-docker.service
  if [ "$(stat -c %Y -- "$unit")" -gt "$(started_at "$container")" ]; then echo "$unit is newer"; fi
  if [ "$(docker inspect --format '{{.Image}}' "$container")" != "$(docker image inspect --format '{{.Id}}' "$image")" ]; then
    echo "the image is another one"
  fi
  if ! cmp -s "/etc/redis/$kind.conf" "/run/redis-member/$kind.conf"; then echo "$kind.conf is not in effect"; fi
}

# Several times, because one good answer may be luck.
well() {
  local sample
  for sample in 1 2 3; do
    "$member" healthy >/dev/null
    if [ "$sample" -lt 3 ]; then sleep 1; fi
  done
}

for container in redis-sentinel redis; do
  kind=${container#redis-}
  mapfile -t why < <(reasons "$kind" "$container")
  if [ "${#why[@]}" -eq 0 ]; then continue; fi
  log "$container is restarted: ${why[*]}"
  if ! wait_for 60 well; then fail "the cluster is not healthy: no member may be restarted now"; fi
  if [ "$container" = redis ]; then "$member" hand-over; fi
  systemctl restart "$container-docker.service"
  if ! wait_for 600 well; then fail "sess-2 is not as it was before its restart"; fi
  log "$container runs again: $("$member" master) leads"
done
