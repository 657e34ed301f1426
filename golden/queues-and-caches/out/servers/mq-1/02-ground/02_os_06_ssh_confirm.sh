#!/usr/bin/env bash
# Keeps the settings that sshd has. That this script was started over a connection made after they came into effect is
# the proof that they let the install host in.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
# sshd reads its files again; open sessions are not cut.
reload_sshd() {
  # Where systemd listens for sshd (Ubuntu 24.04), a generator reads the port from sshd's files.
  if unit_exists ssh.socket && unit_active ssh.socket; then
    systemctl daemon-reload
    systemctl restart ssh.socket
  fi
  systemctl try-reload-or-restart ssh.service
}

ssh_timer=kbgen-ssh-rollback.timer
ssh_is_unconfirmed() { unit_exists "$ssh_timer" && unit_enabled "$ssh_timer"; }
need_root

file=/etc/ssh/sshd_config.d/00-meridian.conf
confirmed=/etc/kbgen/sshd.conf

# First, so that nothing is taken back between the comparison and the end.
if ssh_is_unconfirmed; then
  systemctl disable --quiet --now "$ssh_timer"
  log "confirmed: the settings of sshd stay"
fi
if unit_exists kbgen-ssh-rollback.service && unit_active kbgen-ssh-rollback.service; then
  fail "too late: the former settings of sshd are being put back"
fi
if ! cmp -s -- "$here$file" "$file"; then
  fail "sshd has other settings than rendered: they were taken back, or 02_os_06_ssh.sh did not run"
fi

if [ -f "$confirmed" ] && ! cmp -s -- "$file" "$confirmed"; then
  install_file 0600 root:root "$confirmed.previous" "$confirmed"
fi
install_file 0600 root:root "$confirmed" "$file"
