#!/usr/bin/env bash
# Takes the member off this host: cleanup.sh --yes=<topology>/<service> [--delete-data=<server>].
# Credentials stay. Without the second argument the data stays as well, and installing again goes on
# where it was. The other members go on counting this one; one that shall not come back is forgotten
# there: rmq-member queues shrink rabbit@<server>, rmq-member ctl forget_cluster_node rabbit@<server>
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

server=queue-02
data_dir=/opt/keybuzz/rabbitmq/data
wanted=--yes=keybuzz/rabbitmq
delete=--delete-data=$server

if [ "${1:-}" != "$wanted" ]; then
  fail "this stops RabbitMQ on $server and takes it out of service; if that is meant: $0 $wanted"
fi
if [ "$#" -gt 2 ] || { [ -n "${2:-}" ] && [ "$2" != "$delete" ]; }; then
  fail "to delete the messages that $server holds as well: $0 $wanted $delete"
fi

# First, so that installing again begins at the beginning even when this does not come to its end.
rm -rf -- /opt/keybuzz-installer/state/receipts/05-rabbitmq

if docker container inspect rabbitmq >/dev/null 2>&1; then
  log "stopping rabbitmq"
  docker stop rabbitmq
  docker rm rabbitmq
fi

remove_file /etc/rabbitmq/rabbitmq.conf
remove_file /etc/rabbitmq/enabled_plugins
remove_file /etc/rabbitmq/definitions.json
remove_file /etc/rabbitmq/erlang.cookie
remove_file /etc/rabbitmq/role-passwords
remove_file /etc/rabbitmq/drill.url
remove_file /usr/local/sbin/rmq-member
remove_file /usr/local/lib/rmq-member/drill-client.py

if [ "${2:-}" != "$delete" ]; then
  log "the data stays in $data_dir"
  exit 0
fi
if [ -d "$data_dir" ]; then find "$data_dir" -xdev -mindepth 1 -delete; fi
rm -f -- /opt/keybuzz-installer/state/05-rabbitmq.joined
log "$data_dir is empty"
