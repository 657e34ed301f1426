#!/usr/bin/env bash
# Loads kernel modules and sets kernel parameters, now and at boot.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

modules=(
)

install_file 0644 root:root /etc/modules-load.d/meridian.conf
install_file 0644 root:root /etc/sysctl.d/99-meridian.conf

if in_container; then
  log "kernel modules are loaded by the machine of this container"
elif [ "${#modules[@]}" -gt 0 ]; then
  modprobe --all -- "${modules[@]}"
fi

# Also when nothing changed: a value that somebody set by hand since is put right.
sysctl --quiet --load=/etc/sysctl.d/99-meridian.conf
