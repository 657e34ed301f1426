#!/usr/bin/env bash
# Says which secrets this host lacks or MinIO would not take, before anything is installed. Prints
# names, never values.
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

# needs FILE KEY LENGTH
needs() {
  local value
  if [ ! -f "$1" ]; then
    problem "$1 is missing; it must hold $2"
  elif [ "$(stat -c '%a %u' -- "$1")" != '600 0' ]; then
    problem "$1 must belong to root with mode 0600, it is $(stat -c '%U %a' -- "$1")"
  elif [ "$(grep -c -- "^$2=." "$1")" != 1 ]; then
    problem "$1 must hold one line $2=<value>"
  else
    value=$(grep -- "^$2=." "$1")
    value=${value#*=}
    if [ "${#value}" -lt "$3" ]; then problem "$2 in $1 has fewer than $3 characters"; fi
    # mc reads user, password and address from one URL, and does not decode it.
    if [[ $value == *[[:space:]:/@]* ]]; then problem "$2 in $1 holds a blank or one of : / @"; fi
    if [ "$value" = minioadmin ]; then problem "$2 in $1 is the value that everybody knows"; fi
  fi
}

# An access key may hold neither, and an application's must not be the root user's.
root_user_is_apart() {
  local value
  value=$(grep -m 1 -- "^$2=." "$1") || return 0
  value=${value#*=}
  if [[ $value == *[=,]* ]]; then problem "$2 in $1 holds = or ,"; fi
  if [ "$value" = keybuzz-backups ]; then problem "$2 in $1 is the name of an application's user, keybuzz-backups"; fi
  if [ "$value" = keybuzz-chatwoot ]; then problem "$2 in $1 is the name of an application's user, keybuzz-chatwoot"; fi
}

folder=/opt/keybuzz-installer/credentials
if [ "$(stat -c '%a %u' -- "$folder" 2>&1)" != '700 0' ]; then
  problem "/opt/keybuzz-installer/credentials must be a folder of root with mode 0700"
fi
needs /opt/keybuzz-installer/credentials/minio.env MINIO_ROOT_USER 3
needs /opt/keybuzz-installer/credentials/minio.env MINIO_ROOT_PASSWORD 8
root_user_is_apart /opt/keybuzz-installer/credentials/minio.env MINIO_ROOT_USER
needs /opt/keybuzz-installer/credentials/minio.env MINIO_BACKUPS_SECRET_KEY 8
needs /opt/keybuzz-installer/credentials/chatwoot.env MINIO_SECRET_KEY 8

if [ "$problems" -gt 0 ]; then fail "$problems credentials are not as they must be"; fi
log "all credentials are there"
