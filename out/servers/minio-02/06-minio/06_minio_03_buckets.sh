#!/usr/bin/env bash
# Makes buckets, users and policies what the topology says: for each application a user that reaches
# its own buckets and nothing else. Adds and corrects; takes away no bucket, no object and no user.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

policies=/etc/minio/policies.json
entry=10.0.0.134:9000

mc() { /usr/local/sbin/minio-member mc "$@"; }

# Why mc could not, by its JSON answer: a code, or a sentence.
why() {
  jq --raw-output --slurp 'last | .error.cause.error.Code? // .error.cause.message // .error.message // "no answer"' <<<"$answer"
}

# ---------------------------------------------------------------- buckets

present() { mc ls --json minio </dev/null | jq --raw-output '.key | rtrimstr("/")'; }

make_bucket() {
  if grep -qxF -- "$1" <<<"$buckets"; then return 0; fi
  mc mb --quiet "minio/$1" </dev/null >/dev/null
  log "made bucket $1"
}

keep_versions() {
  local status wanted
  status=$(mc version info --json "minio/$1" </dev/null | jq --raw-output .versioning.status)
  if [ "$status" != Enabled ]; then
    mc version enable --quiet "minio/$1" </dev/null >/dev/null
    log "bucket $1 keeps old versions"
  fi
  # Only our own rule is ours to change; what an application or a person has added stays.
  answer=$(mc ilm rule export --json "minio/$1" </dev/null) || [ "$(why)" = NoSuchLifecycleConfiguration ] ||
    fail "the lifecycle of bucket $1 cannot be read: $(why)"
  wanted=$(jq --compact-output --sort-keys --slurpfile ours /etc/minio/lifecycle.json '
    [.config.Rules[]? | select(.ID != $ours[0].ID)] + $ours' <<<"$answer")
  if [ "$wanted" = "$(jq --compact-output --sort-keys '.config.Rules' <<<"$answer")" ]; then return 0; fi
  jq '{Rules: .}' <<<"$wanted" | mc ilm rule import --quiet "minio/$1" >/dev/null
  log "old versions in bucket $1 go after 30 days"
}

buckets=$(present)
make_bucket kbgen-check
make_bucket keybuzz-backups
make_bucket keybuzz-chatwoot
keep_versions keybuzz-backups

# ---------------------------------------------------------------- users

# Of one order, so that two spellings of one policy are equal.
normal='.Statement | map(.Action |= sort | .Resource |= sort) | sort_by(.Sid)'

make_policy() {
  local wanted found
  wanted=$(jq --compact-output --sort-keys --arg role "$role" ".[] | select(.role == \$role).policy | $normal" "$policies")
  answer=$(mc admin policy info --json minio "app-$role" </dev/null) || [ "$(why)" = XMinioAdminNoSuchPolicy ] ||
    fail "policy app-$role cannot be read: $(why)"
  found=$(jq --compact-output --sort-keys ".policyInfo.Policy // {Statement: []} | $normal" <<<"$answer")
  if [ "$found" = "$wanted" ]; then return 0; fi
  jq --arg role "$role" '.[] | select(.role == $role).policy' "$policies" |
    mc admin policy create minio "app-$role" /dev/stdin >/dev/null
  log "set policy app-$role"
}

# Whether the user of this round of the loop is let in: ok, or why not. Its secret goes from this shell
# to docker, and stands in no command line.
entrance() {
  answer=$(docker exec --env-file <(printf 'MC_HOST_app=http://%s:%s@%s\n' "$role" "$secret" "$entry") \
    minio mc ls --json app) || {
    # Known by its secret, only without rights as yet.
    if [ "$(why)" = AccessDenied ]; then echo ok; else why; fi
    return 0
  }
  echo ok
}

enters() { same "user $role" ok "$(entrance)"; }
set_secret() { mc admin user add minio <<<"$role"$'\n'"$secret" >/dev/null; }

make_user() {
  local state
  answer=$(mc admin user info --json minio "$role" </dev/null) || [ "$(why)" = XMinioAdminNoSuchUser ] ||
    fail "user $role cannot be read: $(why)"
  state=$(jq --raw-output '.userStatus // "missing"' <<<"$answer")
  # Somebody has shut this user out on purpose, perhaps for a reason that still holds.
  if [ "$state" = disabled ]; then
    fail "user $role is disabled; if that is over: minio-member mc admin user enable minio $role"
  fi
  if [ "$state" = missing ]; then
    set_secret
    log "made user $role"
  elif [ "$(entrance)" != ok ]; then
    set_secret
    log "set the secret of user $role"
  fi
  wait_for 10 enters
}

# Exactly its own policy: one that was attached besides would open more than the topology says.
attach_policy() {
  local found other
  found=$(mc admin user info --json minio "$role" </dev/null | jq --raw-output '.policyName // "" | split(",")[]')
  if ! grep -qxF -- "app-$role" <<<"$found"; then
    mc admin policy attach --quiet minio "app-$role" --user "$role" </dev/null >/dev/null
    log "user $role has policy app-$role"
  fi
  while IFS= read -r other; do
    if [ -z "$other" ] || [ "$other" = "app-$role" ]; then continue; fi
    mc admin policy detach --quiet minio "$other" --user "$role" </dev/null >/dev/null
    log "took policy $other from user $role"
  done <<<"$found"
}

while IFS=' ' read -r role secret <&3; do
  make_policy
  make_user
  attach_policy
done 3</etc/minio/role-secrets
log "buckets, policies and users are as the topology has them"
