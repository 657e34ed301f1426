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
# Where a bundle brought packages, they are the only source: what was signed, and no waiting for mirrors
# that do not answer. It has lists of its own, so that those of the system stay what they are.
apt=(apt-get --yes --no-install-recommends -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold)
carried=
for folder in "/opt/keybuzz-installer/packages/$(os_name)" /opt/keybuzz-installer/packages; do
  if [ -z "$carried" ] && [ -f "$folder/Packages" ]; then carried=$folder; fi
done
if [ -n "$carried" ]; then
  lists=/opt/keybuzz-installer/state/apt
  install -d -m 0755 "$lists/lists/partial"
  # The bundle's signature covers every package, so that its index needs none.
  printf 'deb [trusted=yes] file:%s ./\n' "$carried" >"$lists/bundle.list"
  apt+=(-o "Dir::Etc::SourceList=$lists/bundle.list" -o Dir::Etc::SourceParts=- -o "Dir::State::Lists=$lists/lists"
    -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root)
  "${apt[@]}" update
fi

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
  systemd-resolved

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
  zstd
)

install_file 0644 root:root /etc/apt/preferences.d/keybuzz.pref

missing=()
for package in "${wanted[@]}"; do
  if ! package_installed "$package"; then missing+=("$package"); fi
done

if [ "${#missing[@]}" -gt 0 ]; then "${apt[@]}" update; fi
if [ "${#missing[@]}" -gt 0 ]; then
  log "installing ${missing[*]}"
  "${apt[@]}" install -- "${missing[@]}"
fi
