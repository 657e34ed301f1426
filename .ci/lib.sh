# Shared by the scripts of .ci: sourced, not run.
set -Eeuo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
# Two checkouts of the same text share compiled objects.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1

say() { printf '\n== %s\n' "$*"; }

# Runs as root, by sudo when the user is not root.
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo --preserve-env=DEBIAN_FRONTEND "$@"; fi
}

# Installs the packages of the given groups that are missing.
install_packages() {
  local group missing=()
  for group in "$@"; do
    while read -r package; do
      [ "$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null)" = 'install ok installed' ] || missing+=("$package")
    done < <(awk -v group="$group" '$1 == group { print $2 }' .ci/packages)
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  say "installing ${missing[*]}"
  # Services of test packages must not start on this machine: the tests start their own.
  printf '#!/bin/sh\nexit 101\n' | as_root tee /usr/sbin/policy-rc.d >/dev/null
  as_root chmod 0755 /usr/sbin/policy-rc.d
  as_root apt-get update -qq
  as_root apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  as_root rm -f /usr/sbin/policy-rc.d
}

build() {
  say "building ($1)"
  cmake --preset "$1" >/dev/null
  cmake --build --preset "$1" -- --quiet
}
