#!/usr/bin/env bash
# Keeps the journal over a reboot, and bounds it.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

install_file 0644 root:root /etc/systemd/journald.conf.d/meridian.conf
restart_if_changed systemd-journald.service
