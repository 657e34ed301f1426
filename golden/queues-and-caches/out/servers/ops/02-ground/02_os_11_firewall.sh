#!/usr/bin/env bash
# Loads the firewall of this server, for the time being: unless the next step confirms it over a new
# connection, a timer takes it back.
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
patience=300
wanted=$(firewall_rules "$candidate")

if [ "$(firewall_rules)" = "$wanted" ]; then
  log "the rules are loaded already"
  exit 0
fi

# Addresses and networks from which the rules accept tcp to a port, as the elements of a set.
sources_of() {
  awk -v port="$1" '
    $1 == "ip" && $2 == "saddr" && $NF == "accept" && / tcp dport / {
      gsub(/[{},]/, " ")
      fits = 0
      for (i = 3; i <= NF; i++) if ($i == port && $(i - 1) == "dport") fits = 1
      for (i = 3; fits && i < NF && $i != "tcp"; i++) list = list (list == "" ? "" : ", ") $i
    }
    END { print list }' <<<"$wanted"
}

# nft itself tells whether an address is in them.
admits() {
  # shellcheck disable=SC2016  # for the inner shell
  unshare --net -- /bin/sh -c '
    nft add table inet ask
    nft add set inet ask s "{ type ipv4_addr; flags interval; elements = { $1 } }" &&
    nft get element inet ask s "{ $2 }"' ask "$1" "$2" >/dev/null 2>&1
}

# Who is logged in now, besides the install host, which must be able to log in at any time.
logged_in() {
  ss --no-header --tcp --numeric state established "( sport = :$1 )" |
    awk '
      { peer = $NF; sub(/:[0-9]+$/, "", peer); gsub(/[][]|::ffff:/, "", peer) }
      peer !~ /^127\./ && peer != "::1" { print peer }' | sort -u
}

for port in $(sshd -T | awk '$1 == "port" { print $2 }'); do
  sources=$(sources_of "$port")
  if [ -z "$sources" ]; then fail "the rules would close port $port of sshd to everybody; nothing was loaded"; fi
  for address in $(logged_in "$port"); do
    if admits "$sources" "$address"; then continue; fi
    fail "somebody is logged in from $address, whom the rules would shut out: name it in the topology (network.admin) or log out; nothing was loaded"
  done
done

if unit_active "$timer.timer"; then systemctl stop "$timer.timer"; fi
# Timers of systemd are a minute late at will; this one is not.
systemd-run --quiet --collect --unit="$timer" --on-active="$patience" --timer-property=AccuracySec=1s \
  "$here/firewall_rollback.sh"
nft -f "$candidate"
if [ "$(firewall_rules)" != "$wanted" ]; then fail "the kernel lists other rules than those that were loaded"; fi
log "loaded; taken back in $patience s unless 02_os_12_firewall_confirm.sh runs; at once: $here/firewall_rollback.sh"
