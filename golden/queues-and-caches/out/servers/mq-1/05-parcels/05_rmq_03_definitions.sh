#!/usr/bin/env bash
# Waits until the cluster is whole, then makes users, virtual hosts and permissions what
# definitions.json says: what a node reads when it starts, given to those that run. Adds and corrects,
# never deletes. Nothing of it is printed, and no password stands in an argument.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

rmq=/usr/local/sbin/rmq-member

if ! wait_for 600 "$rmq" healthy; then fail "the cluster is not whole"; fi

differences=$("$rmq" differences)
if [ -z "$differences" ]; then
  log "users, virtual hosts and permissions are as the topology has them"
  exit 0
fi
while IFS= read -r line; do log "$line"; done <<<"$differences"

as_rendered() { same 'differences from definitions.json' '' "$("$rmq" differences)"; }
# Accepted is not done: an import goes on by itself, and says only in the node's log what it refused.
docker exec rabbitmq rabbitmqctl --quiet import_definitions /etc/rabbitmq/definitions.json >/dev/null
if ! wait_for 60 as_rendered; then
  docker logs --tail 40 rabbitmq >&2
  fail "definitions.json was not imported; the end of the node's log is above"
fi
log "users, virtual hosts and permissions were brought up to date"
