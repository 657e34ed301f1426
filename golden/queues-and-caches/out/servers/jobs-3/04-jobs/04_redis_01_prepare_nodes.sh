#!/usr/bin/env bash
# Brings the image to this host and makes the folders that a member lives in. What is there already is
# checked, never emptied.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

image=registry.meridian.example/redis:7.2.5-alpine
archive=/opt/meridian/images/redis/image.tar
data_dir=/data/jobs
# The image's user redis, by number: what the container writes belongs to it on the host as well.
owner=999:1000

if ! docker image inspect "$image" >/dev/null 2>&1; then
  if [ -f "$archive" ]; then
    docker load --quiet --input "$archive"
  else
    docker pull --quiet "$image"
  fi
fi

volume=/data
if ! mountpoint --quiet "$volume"; then
  fail "$volume is not mounted: the data would go to the system's disk"
fi

install -d -m 0755 /etc/redis
for folder in "$data_dir/redis" "$data_dir/sentinel"; do
  if [ -d "$folder" ] && [ "$(stat -c '%u:%g %a' -- "$folder")" = "$owner 700" ]; then continue; fi
  install -d -o "${owner%:*}" -g "${owner#*:}" -m 0700 -- "$folder"
  log "$folder belongs to $owner with mode 0700"
done

if [ "$(findmnt --noheadings --output TARGET --target "$data_dir/redis")" != "$volume" ]; then
  fail "$data_dir/redis does not lie on the volume $volume"
fi

# A copy or a restore by root leaves files behind that Redis cannot read or replace.
foreign=$(find "$data_dir/redis" "$data_dir/sentinel" -xdev -name lost+found -prune -o ! -uid "${owner%:*}" -print -quit)
if [ -n "$foreign" ]; then
  fail "$foreign does not belong to uid ${owner%:*}; with the member stopped: chown -R $owner $data_dir/redis $data_dir/sentinel"
fi
