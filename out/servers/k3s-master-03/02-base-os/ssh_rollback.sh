#!/usr/bin/env bash
# Goes back to the settings of sshd that were confirmed last; with --previous to those before them. Where none were
# ever confirmed there was no file of ours, and there is none again.
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
case ${1:-} in
  "") ;;
  --previous)
    if [ ! -f "$confirmed.previous" ]; then fail "there are no settings before the confirmed ones"; fi
    sshd -t -f "$confirmed.previous"
    mv -T -- "$confirmed" "$confirmed.next"
    mv -T -- "$confirmed.previous" "$confirmed"
    mv -T -- "$confirmed.next" "$confirmed.previous"
    ;;
  *) fail "unknown argument $1 (there is only --previous)" ;;
esac

if [ -f "$confirmed" ]; then
  install_file 0600 root:root "$file" "$confirmed"
  log "back to $confirmed"
else
  remove_file "$file"
  log "no settings were ever confirmed: sshd has no file of ours now"
fi
reload_sshd
if ssh_is_unconfirmed; then systemctl disable --quiet --now "$ssh_timer"; fi

# What was taken back is to be done again.
receipts=/opt/keybuzz-installer/state/receipts/02-base-os
rm -f -- "$receipts/02_os_06_ssh" "$receipts/02_os_06_ssh_confirm"
