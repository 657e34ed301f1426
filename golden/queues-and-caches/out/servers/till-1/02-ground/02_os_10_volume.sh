#!/usr/bin/env bash
# Mounts the data volume at its place. The device is named by the inventory and never guessed; one
# that carries anything is formatted only when its id is given: --format=<id>
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

mount_point=/data/tills/data
filesystem=xfs
size_gb=80
id=scsi-0HC_Volume_430
# Without its volume a server boots all the same; with it, containers that Docker starts by itself find their data.
options=defaults,noatime,nofail,x-systemd.before=docker.service
device=/dev/disk/by-id/$id

confirmed=
for argument in "$@"; do
  case $argument in
    --format=?*) confirmed=${argument#*=} ;;
    *) fail "unknown argument $argument (there is only --format=<id>)" ;;
  esac
done

need_device() {
  if [ -z "$id" ]; then
    log "these are here:"
    find /dev/disk/by-id -mindepth 1 -printf '  %f -> %l\n' >&2
    fail "the inventory does not name the device of $mount_point: write it into volumes.tsv and render again"
  fi
  if [ ! -b "$device" ]; then fail "$device is not there: is the volume attached to this server?"; fi
}

# A disk that is in use, or is not of the size that the inventory says, is the wrong disk.
refuse_the_wrong_disk() {
  local bytes used
  used=$(lsblk --noheadings --output MOUNTPOINTS "$device" | sed '/^ *$/d' | paste -s -d ' ')
  if [ -n "$used" ]; then fail "$device is in use: $used"; fi
  bytes=$(blockdev --getsize64 "$device")
  if [ "$bytes" -lt $((size_gb * 900000000)) ] || [ "$bytes" -gt $((size_gb * 1100000000)) ]; then
    fail "$device has $((bytes / 1000000000)) GB, the inventory says $size_gb GB"
  fi
}

# What is on the device, as one line; nothing when it is blank.
signatures() { wipefs --no-act --noheadings --output TYPE "$device" | sort -u | paste -s -d ' '; }

format() {
  local found
  found=$(signatures)
  if [ "$found" = "$filesystem" ] && [ -z "$confirmed" ]; then
    log "$device carries $filesystem already and is kept"
    return 0
  fi
  if [ -n "$found" ] && [ "$confirmed" != "$id" ]; then
    fail "$device carries $found. If all of it may be lost: $0 --format=$id"
  fi
  refuse_the_wrong_disk
  log "formatting $device with $filesystem"
  if [ -n "$found" ]; then wipefs --all --quiet "$device"; fi
  "mkfs.$filesystem" -q "$device"
  if command -v udevadm >/dev/null; then udevadm settle; fi
}

# One line of fstab mounts here, and it is ours. Compared field by field: a path that contains
# another path is not the same place.
write_fstab() {
  local fstab found
  fstab=$(mktemp)
  touch /etc/fstab
  found=$(awk -v at="$mount_point" '$1 !~ /^#/ && $2 == at { print $1, $3, $4 }' /etc/fstab)
  if [ -n "$found" ] && [ "${found%% *}" != "UUID=$uuid" ]; then
    fail "/etc/fstab mounts ${found%% *} at $mount_point, and not UUID=$uuid: remove that line if it is wrong"
  fi
  awk -v at="$mount_point" '$1 ~ /^#/ || $2 != at' /etc/fstab >"$fstab"
  printf 'UUID=%s %s %s %s 0 2\n' "$uuid" "$mount_point" "$filesystem" "$options" >>"$fstab"
  if [ "$found" != "UUID=$uuid $filesystem $options" ]; then install_file 0644 root:root /etc/fstab "$fstab"; fi
  rm -f -- "$fstab"
}

# Without its volume the folder must stay empty, or a service would fill the system disk unnoticed.
mount_volume() {
  install -d -m 0755 -- "$mount_point"
  if [ -n "$(ls -A -- "$mount_point")" ]; then fail "$mount_point holds files that the volume would hide"; fi
  if ! chattr +i -- "$mount_point"; then log "the file system below $mount_point cannot protect it"; fi
  systemctl daemon-reload
  mount -- "$mount_point"
}

mounted() { findmnt --noheadings --output "$1" --mountpoint "$mount_point"; }

if mountpoint --quiet "$mount_point"; then
  if [ -n "$id" ] && [ "$(realpath -- "$(mounted SOURCE)")" != "$(realpath -- "$device")" ]; then
    fail "$(mounted SOURCE) is mounted at $mount_point, the inventory says $id"
  fi
  uuid=$(mounted UUID)
  write_fstab
else
  need_device
  format
  uuid=$(blkid --probe --match-tag UUID --output value "$device")
  write_fstab
  mount_volume
fi

if [ "$(mounted FSTYPE)" != "$filesystem" ]; then fail "$mount_point is $(mounted FSTYPE), not $filesystem"; fi
if [ "$(mounted UUID)" != "$uuid" ]; then fail "$mount_point is not the volume $uuid"; fi
