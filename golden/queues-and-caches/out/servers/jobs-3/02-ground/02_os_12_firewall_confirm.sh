#!/usr/bin/env bash
# Keeps the firewall that is loaded, also at boot. That this script was started over a connection made
# after the rules were loaded is the proof that they let the install host in.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

candidate=$here/etc/kbgen/firewall.nft
timer=kbgen-firewall-rollback

wanted=$(firewall_rules "$candidate")
if [ "$(firewall_rules)" != "$wanted" ]; then
  fail "other rules are loaded than rendered: they were taken back, or 02_os_11_firewall.sh did not run"
fi
if unit_active "$timer.timer"; then
  systemctl stop "$timer.timer"
  log "confirmed: the rules stay"
fi

if [ -f /etc/kbgen/firewall.nft ] && ! cmp -s -- "$candidate" /etc/kbgen/firewall.nft; then
  install_file 0644 root:root /etc/kbgen/firewall.nft.previous /etc/kbgen/firewall.nft
fi
install_file 0644 root:root /etc/kbgen/firewall.nft
install_file 0644 root:root /etc/systemd/system/kbgen-firewall.service
if [ "$changed" -eq 1 ]; then systemctl daemon-reload; fi
if ! unit_enabled kbgen-firewall.service; then systemctl enable --quiet kbgen-firewall.service; fi

# Other firewalls would drop what this one accepts, or flush it. ufw removes its own chains; the unit
# nftables is masked and not stopped, because its stop flushes every table, Docker's and ours included.
if command -v ufw >/dev/null && [ "$(ufw status | head -n 1)" != "Status: inactive" ]; then
  ufw --force disable
  log "ufw is off"
fi
for unit in ufw.service nftables.service firewalld.service; do
  if ! unit_exists "$unit" || unit_masked "$unit"; then continue; fi
  systemctl mask --quiet "$unit"
  log "masked $unit"
done
