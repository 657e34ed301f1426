#!/usr/bin/env bash
# Makes the folder that the member lives in, and gets its image. What is there already is checked,
# never emptied.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

data_dir=/opt/keybuzz/rabbitmq/data
image=rabbitmq:3.12.14-management
archive=/opt/keybuzz-installer/images/rabbitmq/image.tar
# The image's user rabbitmq.
owner=999:999

volume=/opt/keybuzz/rabbitmq/data
if ! mountpoint --quiet "$volume"; then
  fail "$volume is not mounted: the data would go to the system's disk"
fi

install -d -m 0755 /etc/rabbitmq
if [ ! -d "$data_dir" ] || [ "$(stat -c '%u:%g %a' -- "$data_dir")" != "$owner 750" ]; then
  install -d -o "${owner%:*}" -g "${owner#*:}" -m 0750 -- "$data_dir"
  log "$data_dir belongs to $owner with mode 0750"
fi

if [ "$(findmnt --noheadings --output TARGET --target "$data_dir")" != "$volume" ]; then
  fail "$data_dir does not lie on the volume $volume"
fi

# A copy or a restore by root leaves files behind that the member cannot read.
if [ -d "$data_dir/mnesia" ]; then
  foreign=$(find "$data_dir/mnesia" -xdev ! -uid "${owner%:*}" -print -quit)
  if [ -n "$foreign" ]; then
    fail "$foreign does not belong to uid ${owner%:*}; with the member stopped: chown -R $owner $data_dir/mnesia"
  fi
fi

if docker image inspect "$image" >/dev/null 2>&1; then exit 0; fi
if [ -f "$archive" ]; then
  docker load --quiet --input "$archive"
else
  docker pull --quiet "$image"
fi
