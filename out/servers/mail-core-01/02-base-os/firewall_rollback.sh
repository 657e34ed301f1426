#!/usr/bin/env bash
# Goes back to the firewall that was confirmed last; with --previous to the one before it. Where none
# was ever confirmed there was no firewall of ours, and there is none again.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

confirmed=/etc/kbgen/firewall.nft
case ${1:-} in
  "") ;;
  --previous)
    if [ ! -f "$confirmed.previous" ]; then fail "there is no rule set before the confirmed one"; fi
    nft --check -f "$confirmed.previous"
    mv -T -- "$confirmed" "$confirmed.next"
    mv -T -- "$confirmed.previous" "$confirmed"
    mv -T -- "$confirmed.next" "$confirmed.previous"
    ;;
  *) fail "unknown argument $1 (there is only --previous)" ;;
esac

if [ -f "$confirmed" ]; then
  nft -f "$confirmed"
  log "back to $confirmed"
elif firewall_loaded; then
  nft delete table inet kbgen
  log "no rule set was ever confirmed: this server has no firewall of ours now"
fi

# What was taken back is to be done again.
receipts=/opt/keybuzz-installer/state/receipts/02-base-os
rm -f -- "$receipts/02_os_11_firewall" "$receipts/02_os_12_firewall_confirm"
