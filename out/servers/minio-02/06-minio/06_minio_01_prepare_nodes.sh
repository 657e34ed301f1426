#!/usr/bin/env bash
# Makes the drive ready that this node will live on, and brings the image. What lies on the drive is
# looked at, never emptied.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

data_dir=/opt/keybuzz/minio/data
owner=1000:1000
image=minio/minio:RELEASE.2024-10-02T17-50-41Z
archive=/opt/keybuzz-installer/images/minio/image.tar

volume=/opt/keybuzz/minio/data
if ! mountpoint --quiet "$volume"; then
  fail "$volume is not mounted: the drive would be on the system's disk"
fi
if [ ! -d "$data_dir" ] || [ "$(stat -c '%u:%g %a' -- "$data_dir")" != "$owner 750" ]; then
  install -d -o "${owner%:*}" -g "${owner#*:}" -m 0750 -- "$data_dir"
  log "$data_dir belongs to $owner with mode 0750"
fi

# A server that ran as root, or a restore, leaves files behind that this one cannot read.
foreign=$(find "$data_dir" -xdev -mindepth 1 ! -uid "${owner%:*}" ! -path "$data_dir/lost+found" -print -quit)
if [ -n "$foreign" ]; then
  fail "$foreign does not belong to uid ${owner%:*}; with the node stopped: chown -R $owner $data_dir"
fi

# The node's own question, from the folder that was shipped: the installed one may be older.
"$here/usr/local/sbin/minio-member" guard >&2

if docker image inspect "$image" >/dev/null 2>&1; then
  log "$image is there"
elif [ -f "$archive" ]; then
  log "loading $image from $archive"
  docker load --quiet --input "$archive"
  docker image inspect --format '{{.Id}}' "$image"
else
  docker pull --quiet "$image"
fi

# The client that everything else is done with comes with the server.
if ! docker run --rm --pull never --network none --read-only --tmpfs /tmp --cap-drop ALL --entrypoint mc "$image" --version >/dev/null; then
  fail "$image has no mc: take an official image that carries the client"
fi
