#!/usr/bin/env bash
# Records what matters (auditd) and bans who guesses passwords (fail2ban).
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

install -d -m 0755 /etc/kbgen # a folder can be watched only when it is there
install_file 0640 root:root /etc/audit/rules.d/50-meridian.rules
if in_container; then
  log "the kernel's audit belongs to the machine of this container: rules are installed, not loaded"
else
  restart_if_changed auditd.service reload
  if [ "$changed" -eq 1 ]; then augenrules --load; fi
fi

install_file 0644 root:root /etc/fail2ban/jail.d/meridian.local
fail2ban-client --test
restart_if_changed fail2ban.service
wait_for 30 fail2ban-client status sshd
