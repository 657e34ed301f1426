#!/usr/bin/env bash
# Hardens sshd, for the time being: unless the next step confirms it over a new connection, a timer puts the former
# file back. What sshd would not accept is never installed, and open sessions are not cut.
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

file=/etc/ssh/sshd_config.d/00-keybuzz.conf
confirmed=/etc/kbgen/sshd.conf
patience=300

install -d -m 0755 /run/sshd # sshd wants it to test anything; a socket-activated one may not have run yet
sshd -t -f "$here$file"

# A file from before there were confirmations: whoever put it there has logged in since.
if [ -f "$file" ] && [ ! -f "$confirmed" ] && ! ssh_is_unconfirmed; then install_file 0600 root:root "$confirmed" "$file"; fi
if cmp -s -- "$here$file" "$file" && cmp -s -- "$here$file" "$confirmed"; then
  install_file 0600 root:root "$file"
  log "sshd is as rendered"
  exit 0
fi

# Enabled, so that a server that is started again meanwhile goes back as well.
install_file 0644 root:root /etc/systemd/system/kbgen-ssh-rollback.service
install_file 0644 root:root "/etc/systemd/system/$ssh_timer"
systemctl daemon-reload
systemctl enable --quiet "$ssh_timer"
systemctl restart "$ssh_timer"

install_file 0600 root:root "$file"
if ! sshd -t; then
  cp -- "$file" "$file.refused"
  "$here/ssh_rollback.sh"
  fail "sshd refuses $file together with its other files; it is put aside as $file.refused"
fi
reload_sshd
log "in effect; taken back in $patience s unless 02_os_06_ssh_confirm.sh runs; at once: $here/ssh_rollback.sh"
