#!/usr/bin/env bash
# Points the resolver at the network's DNS servers. /etc/resolv.conf is systemd-resolved's own: what
# is written into it is lost at the next boot.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

install_file 0644 root:root /etc/systemd/resolved.conf.d/meridian.conf
restart_if_changed systemd-resolved.service
wait_for 30 test -e /run/systemd/resolve/stub-resolv.conf

stub=../run/systemd/resolve/stub-resolv.conf
if mountpoint --quiet /etc/resolv.conf; then
  log "/etc/resolv.conf is mounted by a container engine and stays"
elif [ ! -L /etc/resolv.conf ] || [ "$(readlink /etc/resolv.conf)" != "$stub" ]; then
  # Earlier installations made the file immutable, where its file system can.
  if [ -f /etc/resolv.conf ] && [ ! -L /etc/resolv.conf ] && ! chattr -i /etc/resolv.conf; then
    log "/etc/resolv.conf cannot be immutable here"
  fi
  ln --symbolic --force -- "$stub" /etc/.resolv.conf.kbgen
  mv -T -f -- /etc/.resolv.conf.kbgen /etc/resolv.conf
  log "/etc/resolv.conf leads to systemd-resolved"
fi
