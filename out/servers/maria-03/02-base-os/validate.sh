#!/usr/bin/env bash
# Fifteen checks of this server, and one more where its services know each other by name. They ask for
# what is in effect, not for what a file says.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

sysctl_file=/etc/sysctl.d/99-keybuzz.conf
audit_file=/etc/audit/rules.d/50-keybuzz.rules

packages() {
  local package status=0
  for package in "$@"; do
    if package_installed "$package"; then continue; fi
    echo "$package is missing"
    status=1
  done
  return "$status"
}

docker_runs() {
  local wanted='24.0.7-*' found
  found=$(package_version docker.io)
  unit_active docker.service
  # shellcheck disable=SC2053  # a pattern
  [[ $found == $wanted ]] || same docker.io "$wanted" "$found"
}

# The log options are not shown by the daemon; they are in effect if it started after they were written.
docker_settings() {
  local since
  same "docker info" "overlay2 json-file systemd true" \
    "$(docker info --format '{{.Driver}} {{.LoggingDriver}} {{.CgroupDriver}} {{.LiveRestoreEnabled}}')"
  cmp -- "$here/etc/docker/daemon.json" /etc/docker/daemon.json
  since=$(date --date="$(systemctl show docker.service --property=ActiveEnterTimestamp --value)" +%s)
  if [ "$since" -lt "$(stat -c %Y /etc/docker/daemon.json)" ]; then
    echo "docker has not been restarted since daemon.json changed"
    return 1
  fi
}

no_swap_at_boot() { same "swap in fstab" "" "$(awk '$1 !~ /^#/ && $3 == "swap"' /etc/fstab)"; }

firewall() {
  diff <(firewall_rules "$here/etc/kbgen/firewall.nft") <(firewall_rules)
  nft list chain inet kbgen input | grep -F 'policy drop'
  cmp -- "$here/etc/kbgen/firewall.nft" /etc/kbgen/firewall.nft
  unit_enabled kbgen-firewall.service
}

# What sshd would do with a login from the install host.
sshd_says() { sshd -T -C "user=root,host=install-01,addr=10.0.0.250" | awk -v key="$1" '$1 == key { print $2 }'; }

sshd_settings() {
  same port 22 "$(sshd_says port)"
  same permitemptypasswords no "$(sshd_says permitemptypasswords)"
  same maxauthtries 3 "$(sshd_says maxauthtries)"
  same maxsessions 4 "$(sshd_says maxsessions)"
  same allowtcpforwarding no "$(sshd_says allowtcpforwarding)"
  same x11forwarding no "$(sshd_says x11forwarding)"
  same usedns no "$(sshd_says usedns)"
  same clientaliveinterval 300 "$(sshd_says clientaliveinterval)"
  same clientalivecountmax 2 "$(sshd_says clientalivecountmax)"
}

no_passwords() {
  same passwordauthentication no "$(sshd_says passwordauthentication)"
  same kbdinteractiveauthentication no "$(sshd_says kbdinteractiveauthentication)"
}

resolver() {
  local found
  found=$(resolvectl --no-pager dns | sed -n 's/^Global: //p')
  same "DNS servers" "1.1.1.1 8.8.8.8" "$found"
}

kernel_parameters() {
  local name value found status=0
  while IFS='=' read -r name value; do
    found=$(sysctl --values "${name// /}" | tr -s '[:space:]' ' ')
    same "${name// /}" "${value# }" "${found% }" || status=1
  done < <(grep -v -e '^#' -e '^$' "$here$sysctl_file")
  return "$status"
}

clock() {
  same "time zone" Europe/Paris "$(time_zone)"
  if in_container; then return 0; fi
  same "clock synchronised" yes "$(timedatectl show --property=NTPSynchronized --value)"
}

journal_setting() { systemd-analyze cat-config systemd/journald.conf | awk -F= -v key="$1" '$1 == key { v = $2 } END { print v }'; }

journal() {
  same Storage persistent "$(journal_setting Storage)"
  same SystemMaxUse 200M "$(journal_setting SystemMaxUse)"
  same SystemKeepFree 100M "$(journal_setting SystemKeepFree)"
}

# Every rule of ours is loaded, as auditctl writes it.
audit() {
  local rules key
  if in_container; then return 0; fi
  unit_active auditd.service
  rules=$(auditctl -l)
  while read -r key; do
    if grep -qE -- "(-k |key=)$key\$" <<<"$rules"; then continue; fi
    echo "no rule with the key $key is loaded"
    return 1
  done < <(awk '/^-/ { print $NF }' "$here$audit_file" | sort -u)
}

intrusion() {
  fail2ban-client status sshd
  audit
}

volume() {
  local mount_point=/opt/keybuzz/mariadb/data
  same "file system at $mount_point" xfs \
    "$(findmnt --noheadings --output FSTYPE --mountpoint "$mount_point")"
}

check "the operating system is ubuntu-24.04" same "operating system" ubuntu-24.04 "$(os_name)"
check "packages are installed" packages ca-certificates curl git gnupg htop jq net-tools unzip wget auditd fail2ban iproute2 kmod nftables openssh-server python3-systemd systemd-timesyncd util-linux xfsprogs zstd

check "docker runs in the pinned version" docker_runs
check "docker works with the rendered settings" docker_settings
check "no swap is active" same "active swap" "" "$(swapon --show --noheadings)"
check "no swap comes back at boot" no_swap_at_boot
check "the firewall is the rendered one and drops by default" firewall
check "sshd works with the rendered settings" sshd_settings
check "sshd admits no passwords" no_passwords
check "the resolver asks the network's DNS servers" resolver
check "kernel parameters are in effect" kernel_parameters
check "the clock is right and in its time zone" clock
check "the journal is kept and bounded" journal
check "fail2ban and auditd watch" intrusion
check "the data volume is mounted" volume
check_summary
