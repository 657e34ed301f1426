#!/usr/bin/env bash
# Hardens sshd. What sshd would not accept is never installed, and open sessions are not cut.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

file=/etc/ssh/sshd_config.d/00-meridian.conf
install -d -m 0755 /run/sshd # sshd wants it to test anything; a socket-activated one may not have run yet
sshd -t -f "$here$file"
install_file 0600 root:root "$file"
if ! sshd -t; then
  mv -- "$file" "$file.refused"
  fail "sshd refuses $file together with its other files; it is put aside as $file.refused"
fi

# Where systemd listens for sshd (Ubuntu 24.04), a generator reads the port from sshd's files.
if [ "$changed" -eq 1 ] && unit_exists ssh.socket && unit_active ssh.socket; then
  systemctl daemon-reload
  systemctl restart ssh.socket
fi
if [ "$changed" -eq 1 ]; then systemctl try-reload-or-restart ssh.service; fi
