#!/usr/bin/env bash
# Objects go in and come out: through the entry point, through this node, and as the applications, who
# must reach their own buckets and no other. What is written is removed again.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

server=minio-03
self=10.0.0.132
bucket=kbgen-check
entry=10.0.0.134:9000
member=/usr/local/sbin/minio-member
path=minio/$bucket/checks/$server
scratch=$(umask 077 && mktemp -d -t minio-tests.XXXXXXXX)

# Also what an earlier run that failed has left behind.
leave_nothing() {
  "$member" mc rm --quiet --recursive --force --versions "$path/" </dev/null >/dev/null
}

tidy_up() {
  trap - ERR
  rm -rf -- "$scratch"
  leave_nothing || log "could not remove what lies below $path"
  kb_leave
}

small=$scratch/small
large=$scratch/large
printf '%s %s\n' "$server" "$(date +%s%N)" >"$small"
# Larger than what goes into a node's metadata, and than one part of an upload.
head -c 20000000 /dev/urandom >"$large"

leave_nothing
trap tidy_up EXIT

digest() { sha256sum | cut -d ' ' -f 1; }

# comes_back FILE: written at the entry point; read there and at this node.
comes_back() {
  local name wanted
  name=$(basename -- "$1")
  wanted=$(digest <"$1")
  "$member" mc pipe --quiet "$path/$name" <"$1" >/dev/null
  same 'read at the entry point' "$wanted" "$("$member" mc cat "$path/$name" | digest)"
  same 'read at this node' "$wanted" "$("$member" mc-at "$self" cat "$path/$name" | digest)"
}

goes_in_here() {
  "$member" mc-at "$self" pipe --quiet "$path/here" <"$small" >/dev/null
  same 'read at the entry point' "$(digest <"$small")" "$("$member" mc cat "$path/here" | digest)"
}

goes_away() {
  local name left
  for name in small large here; do "$member" mc rm --quiet "$path/$name" >/dev/null; done
  left=$("$member" mc ls --json --recursive "minio/$bucket/checks/$server/" | jq --raw-output .key)
  same 'objects that are left' '' "$left"
}

check 'a small object is written and comes back unchanged' comes_back "$small"
check 'a large object is written in parts and comes back unchanged' comes_back "$large"
check 'what is written at this node is there at the entry point' goes_in_here
check 'what is removed is gone' goes_away

# as_app ROLE ARG...: mc as that application's user; its alias is app.
as_app() {
  local role=$1 secret
  shift
  secret=$(awk -v role="$role" '$1 == role { print $2 }' /etc/minio/role-secrets)
  docker exec --interactive --env-file <(printf 'MC_HOST_app=http://%s:%s@%s\n' "$role" "$secret" "$entry") minio mc "$@"
}

# reaches ROLE BUCKET...: writes, reads and removes in each.
reaches() {
  local role=$1 own object
  shift
  for own in "$@"; do
    object=app/$own/.kbgen-check/$server
    as_app "$role" pipe --quiet "$object" <"$small" >/dev/null
    same "object in $own" "$(digest <"$small")" "$(as_app "$role" cat "$object" | digest)"
    as_app "$role" rm --quiet "$object" >/dev/null
    # Where versions are kept the object is only hidden; an application may not do more.
    "$member" mc rm --quiet --recursive --force --versions "minio/$own/.kbgen-check/$server" >/dev/null
  done
}

# refused ROLE ARG...: what it must not be able to do; any other failure proves nothing.
refused() {
  local answer
  if answer=$(as_app "$1" "${@:2}" 2>&1 <"$small"); then
    echo "$1 may: mc ${*:2}"
    return 1
  fi
  if [[ $answer != *'Access Denied'* && $answer != *'Insufficient permissions'* ]]; then
    same "mc ${*:2}" 'Access Denied' "$answer"
  fi
}

# keeps_out ROLE: neither somebody else's bucket, nor one of its own making, nor the administration.
keeps_out() {
  "$member" mc pipe --quiet "$path/private" <"$small" >/dev/null
  refused "$1" ls "app/$bucket"
  refused "$1" cat "app/$bucket/checks/$server/private"
  refused "$1" pipe "app/$bucket/checks/$server/intruder"
  refused "$1" rm "app/$bucket/checks/$server/private"
  refused "$1" mb app/kbgen-intruder
  refused "$1" admin user list app
}
check 'keybuzz-backups writes and reads its own' reaches keybuzz-backups keybuzz-backups

check 'keybuzz-backups is kept out of everything else' keeps_out keybuzz-backups
check 'keybuzz-chatwoot writes and reads its own' reaches keybuzz-chatwoot keybuzz-chatwoot

check 'keybuzz-chatwoot is kept out of everything else' keeps_out keybuzz-chatwoot
check_summary
