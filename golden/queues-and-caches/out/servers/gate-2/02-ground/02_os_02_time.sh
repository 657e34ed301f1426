#!/usr/bin/env bash
# Sets the time zone and keeps the clock right. Leases, certificates and logs depend on it.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

zone=Etc/UTC
if [ ! -f "/usr/share/zoneinfo/$zone" ]; then fail "there is no time zone $zone"; fi
if [ "$(time_zone)" != "$zone" ]; then
  if in_container; then
    # timedatectl would tell the kernel as well, and the kernel is the machine's: its clock could jump.
    ln --symbolic --force --no-dereference -- "/usr/share/zoneinfo/$zone" /etc/localtime
  else
    timedatectl set-timezone "$zone"
  fi
  log "time zone is $zone"
fi

remove_file /etc/systemd/timesyncd.conf.d/meridian.conf

if in_container; then
  log "a container has its machine's clock"
else
  restart_if_changed systemd-timesyncd.service
fi
