#!/usr/bin/env bash
# Makes the folders that a member lives in. What is there already is checked, never emptied.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

data_dir=/data/fruit
# The image's user postgres. PostgreSQL refuses to start on data of anybody else, or that others may read.
owner=999:999

volume=/data/fruit
if ! mountpoint --quiet "$volume"; then
  fail "$volume is not mounted: the data would go to the system's disk"
fi

install -d -m 0755 /etc/patroni
for folder in "$data_dir" "$data_dir/data" "$data_dir/raft"; do
  if [ -d "$folder" ] && [ "$(stat -c '%u:%g %a' -- "$folder")" = "$owner 700" ]; then continue; fi
  install -d -o "${owner%:*}" -g "${owner#*:}" -m 0700 -- "$folder"
  log "$folder belongs to $owner with mode 0700"
done

if [ "$(findmnt --noheadings --output TARGET --target "$data_dir/data")" != "$volume" ]; then
  fail "$data_dir/data does not lie on the volume $volume"
fi
if [ -e "$data_dir/data/lost+found" ]; then
  fail "$data_dir/data is the root of a file system with lost+found, and PostgreSQL wants an empty folder: mount it at $data_dir"
fi

# A copy or a restore by root leaves files behind that the member cannot read.
foreign=$(find "$data_dir/data" -xdev ! -uid "${owner%:*}" -print -quit)
if [ -n "$foreign" ]; then
  fail "$foreign does not belong to uid ${owner%:*}; with the member stopped: chown -R $owner $data_dir/data"
fi

# Members that remember a cluster which none of them has data of wait for its leader for ever.
if [ -z "$(ls -A -- "$data_dir/data")" ] && [ -n "$(ls -A -- "$data_dir/raft")" ]; then
  log "data/ is empty and raft/ is not: right for a member that is copied afresh. If this is so on"
  log "every member, the cluster is new: empty $data_dir/raft on all of them before it starts"
fi
