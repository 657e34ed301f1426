#!/usr/bin/env bash
# Says which passwords this host lacks, before anything is installed. Prints names, never values.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

problems=0
problem() {
  log "$*"
  problems=$((problems + 1))
}

# needs FILE KEY. ProxySQL drops a user whose password has a quote, and writes it into its log; of an admin's
# password it takes what stands before a colon or semicolon. Neither is an error to it.
needs() {
  if [ ! -f "$1" ]; then
    problem "$1 is missing; it must hold $2"
  elif [ "$(stat -c '%a %u' -- "$1")" != '600 0' ]; then
    problem "$1 must belong to root with mode 0600, it is $(stat -c '%U %a' -- "$1")"
  elif [ "$(grep -c -- "^$2=." "$1")" != 1 ]; then
    problem "$1 must hold one line $2=<value>"
  elif ! LC_ALL=C grep -qxE -- "$2=[A-Za-z0-9._-]+" "$1"; then
    problem "$2 in $1 may hold letters, digits, dots, dashes and underscores, nothing else"
  fi
}

folder=/opt/meridian/credentials
if [ "$(stat -c '%a %u' -- "$folder" 2>&1)" != '700 0' ]; then
  problem "/opt/meridian/credentials must be a folder of root with mode 0700"
fi
needs /opt/meridian/credentials/door.env DOOR_ADMIN
needs /opt/meridian/credentials/door.env DOOR_STATS
needs /opt/meridian/credentials/tills.env TILLS_MONITOR
needs /opt/meridian/credentials/tills.env TILLS_PROBE
needs /opt/meridian/credentials/shop.env SHOP_SQL

if [ "$problems" -gt 0 ]; then fail "$problems credentials are not as they must be"; fi
log "all credentials are there"
