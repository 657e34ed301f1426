#!/usr/bin/env bash
# From here the alias `minio` of mc leads to the entry point, and shows all nodes and all drives; and this
# node has an object to ask them for, by which minio-member sees what each of them reaches.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

wait_for 180 /usr/local/sbin/minio-member make-canary
wait_for 180 /usr/local/sbin/minio-member healthy

nodes_seen() {
  /usr/local/sbin/minio-member mc admin info --json minio | jq --exit-status '.info.servers | length == 3'
}
wait_for 30 nodes_seen
log "mc: minio is http://10.0.0.134:9000"
