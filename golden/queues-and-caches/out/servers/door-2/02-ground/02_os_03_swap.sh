#!/usr/bin/env bash
# Turns swap off for good. A member of a quorum that swaps is slow instead of dead, and a slow member
# holds its lease and answers too late.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

if [ -n "$(swapon --show --noheadings)" ]; then
  swapoff --all
  log "swap is off"
fi

# By the type column, because the word may also stand in a path or a comment. The line is kept.
if [ -f /etc/fstab ]; then
  fstab=$(mktemp)
  awk '$1 !~ /^#/ && $3 == "swap" { print "# no swap here: " $0; next } { print }' /etc/fstab >"$fstab"
  install_file 0644 root:root /etc/fstab "$fstab"
  rm -f -- "$fstab"
fi

# What turns it on besides fstab: partitions that systemd finds by itself, and zram.
for unit in swap.target zramswap.service zram-config.service; do
  if ! unit_exists "$unit" || unit_masked "$unit"; then continue; fi
  systemctl mask --now --quiet "$unit"
  log "masked $unit"
done
