#!/usr/bin/env bash
# Makes the folder that a member lives in, and brings its image. What is there already is checked, never emptied.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

data_dir=/data/tills
image=bitnamilegacy/mariadb-galera:10.11.6-debian-11-r0
archive=/opt/meridian/images/mariadb/image.tar
# The user that the image is made for.
owner=1001:0

volume=/data/tills/data
if ! mountpoint --quiet "$volume"; then
  fail "$volume is not mounted: the data would go to the system's disk"
fi

install -d -m 0755 /etc/mariadb "$data_dir"
folder=$data_dir/data
if [ ! -d "$folder" ] || [ "$(stat -c '%u:%g %a' -- "$folder")" != "$owner 700" ]; then
  install -d -o "${owner%:*}" -g "${owner#*:}" -m 0700 -- "$folder"
  log "$folder belongs to $owner with mode 0700"
fi

if [ "$(findmnt --noheadings --output TARGET --target "$folder")" != "$volume" ]; then
  fail "$folder does not lie on the volume $volume"
fi

# A copy or a restore by root leaves files behind that the member cannot read. (It may run, and remove files meanwhile.)
foreign=$(find "$folder" -ignore_readdir_race -xdev -mindepth 1 -name lost+found -prune -o ! -uid "${owner%:*}" -print -quit)
if [ -n "$foreign" ]; then
  fail "$foreign does not belong to uid ${owner%:*}; with the member stopped: chown -R $owner $folder"
fi

if ! docker image inspect "$image" >/dev/null 2>&1; then
  if [ -f "$archive" ]; then
    docker load --quiet --input "$archive"
  else
    docker pull --quiet "$image"
  fi
fi
