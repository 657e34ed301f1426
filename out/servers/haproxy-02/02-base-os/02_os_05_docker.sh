#!/usr/bin/env bash
# Installs the pinned Docker and configures its daemon.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

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

wanted='24.0.7-*'
if package_installed docker-ce; then fail "docker-ce is installed; remove it first, both want the same files"; fi
if ! package_installed docker.io; then
  export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
  "${apt[@]}" install "docker.io=$wanted"
fi

# An upgrade restarts the daemon: it is a step of its own, on purpose, and not this one.
installed=$(package_version docker.io)
# shellcheck disable=SC2053  # $wanted is a pattern
if [[ $installed != $wanted ]]; then fail "docker.io is $installed, wanted is $wanted"; fi

if [[ "$(dockerd --help)" == *--validate* ]]; then
  dockerd --validate --config-file "$here/etc/docker/daemon.json"
fi
install_file 0644 root:root /etc/docker/daemon.json

# The running daemon learns of live-restore by a reload, so that the restart that follows leaves the
# containers running.
if [ "$changed" -eq 1 ] && unit_active docker.service; then
  log "docker is restarted because its configuration changed: $(docker ps --quiet | wc -l) containers run"
  systemctl reload docker.service
fi
restart_if_changed docker.service
wait_for 60 docker version
