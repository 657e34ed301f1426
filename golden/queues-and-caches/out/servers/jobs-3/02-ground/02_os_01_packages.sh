#!/usr/bin/env bash
# Installs what every server has and what its services ask for, and pins Docker's version.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
apt=(apt-get --yes --no-install-recommends -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold)

wanted=(
  # Every server.
  ca-certificates
  curl
  git
  gnupg
  htop
  jq
  net-tools
  unzip
  wget

  # Services of this server.
  auditd
  fail2ban
  iproute2
  kmod
  nftables
  openssh-server
  python3-systemd
  redis-tools
  systemd-timesyncd
  util-linux
  xfsprogs
)

install_file 0644 root:root /etc/apt/preferences.d/meridian.pref

missing=()
for package in "${wanted[@]}"; do
  if ! package_installed "$package"; then missing+=("$package"); fi
done

if [ "${#missing[@]}" -gt 0 ]; then "${apt[@]}" update; fi
if [ "${#missing[@]}" -gt 0 ]; then
  log "installing ${missing[*]}"
  "${apt[@]}" install -- "${missing[@]}"
fi
