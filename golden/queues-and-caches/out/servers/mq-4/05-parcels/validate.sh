#!/usr/bin/env bash
# Is this member what the model says, and does it agree with the others? Reads only.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

self=mq-4
ip=192.168.64.34
data_dir=/data/parcels
management=15672
metrics=15692
rmq=/usr/local/sbin/rmq-member
members=(
  "mq-1 192.168.64.31"
  "mq-2 192.168.64.32"
  "mq-3 192.168.64.33"
  "mq-4 192.168.64.34"
  "mq-5 192.168.64.35"
)

inside() { docker exec rabbitmq "$@" </dev/null; }
diagnostics() { inside rabbitmq-diagnostics --quiet --timeout 20 "$@"; }

# One container of exactly this name, of the pinned image, as the image's user; Docker alone restarts it.
container_is_right() {
  local format='{{.State.Running}} {{.Config.Image}} {{.Config.User}} {{.HostConfig.RestartPolicy.Name}} {{.HostConfig.NetworkMode}}'
  same container "true $1 999:999 unless-stopped host" "$(docker inspect --format "$format" rabbitmq)"
  same 'systemd units of RabbitMQ' '' \
    "$(find /etc/systemd/system /run/systemd/system /usr/lib/systemd/system -name 'rabbitmq*' -print 2>/dev/null)"
}

container_is_as_defined() {
  same 'definition of the container' "$("$rmq" definition)" \
    "$(docker inspect --format '{{index .Config.Labels "kbgen.definition"}}' rabbitmq)"
  same 'hard limit of open files' 65536 \
    "$(docker inspect --format '{{range .HostConfig.Ulimits}}{{.Hard}}{{end}}' rabbitmq)"
}

# file_is PATH MODE OWNER
file_is() { same "$1" "$2 $3" "$(stat -c "0%a $(if [[ $3 == *[0-9]* ]]; then echo %u:%g; else echo %U:%G; fi)" -- "$1")"; }

files_are_right() {
  file_is /etc/rabbitmq/rabbitmq.conf 0644 0:0
  file_is /etc/rabbitmq/enabled_plugins 0644 0:0
  file_is /etc/rabbitmq/definitions.json 0600 999:999
  file_is /etc/rabbitmq/erlang.cookie 0400 999:999
  file_is /etc/rabbitmq/role-passwords 0600 0:0
  file_is /etc/rabbitmq/drill.url 0600 0:0
  file_is /usr/local/sbin/rmq-member 0755 0:0
  file_is /usr/local/lib/rmq-member/drill-client.py 0755 0:0
  file_is /data/parcels 0750 999:999
}

data_on_volume() { same 'mount point' /data/parcels "$(findmnt --noheadings --output TARGET --target "$data_dir")"; }

# As programs resolve, here and in the container; its own name must not lead back to itself by loopback.
names_resolve() {
  local member
  for member in "${members[@]}"; do
    same "${member%% *} on this server" "${member#* }" "$(getent ahostsv4 "${member%% *}" | awk '{ print $1 }' | sort -u | paste -s -d ' ')"
    same "${member%% *} in the container" "${member#* }" "$(inside getent ahostsv4 "${member%% *}" | awk '{ print $1 }' | sort -u | paste -s -d ' ')"
  done
  same 'host name in the container' "$self" "$(inside hostname)"
}

node_is_right() {
  local version
  diagnostics check_running
  diagnostics check_local_alarms
  version=$(diagnostics server_version)
  if [[ 3.12.14-management != "$version"* ]]; then same version 3.12.14-management "$version"; fi
}

# The cookie of the node that runs is the one of the credentials; and so it is on all others, or they
# would not answer.
cookie_is_one() {
  local member
  same 'hash of the cookie' "$("$rmq" cookie-hash)" "$(diagnostics erlang_cookie_hash)"
  same 'what lies in the data folder' '' "$(find "$data_dir" -maxdepth 1 -name .erlang.cookie -size +0)"
  for member in "${members[@]}"; do
    diagnostics --node "rabbit@${member%% *}" ping
  done
}

# seen_by MEMBER JQ: of the cluster's status, as that member has it.
seen_by() {
  inside rabbitmqctl --quiet --timeout 20 --formatter json --node "rabbit@$1" cluster_status | jq --raw-output "$2"
}

all_see_all() {
  local member wanted
  wanted='rabbit@mq-1 rabbit@mq-2 rabbit@mq-3 rabbit@mq-4 rabbit@mq-5'
  wanted=$(tr ' ' '\n' <<<"$wanted" | sort | paste -s -d ' ')
  for member in "${members[@]}"; do
    same "members that run, as ${member%% *} sees it" "$wanted" "$(seen_by "${member%% *}" '.running_nodes | sort | join(" ")')"
    same "members, as ${member%% *} sees it" "$wanted" "$(seen_by "${member%% *}" '.disk_nodes | sort | join(" ")')"
  done
}

nobody_is_cut_off() {
  local member
  for member in "${members[@]}"; do
    same "partitions, as ${member%% *} sees it" '{}' "$(seen_by "${member%% *}" '.partitions | tojson')"
    same "alarms, as ${member%% *} sees it" '[]' "$(seen_by "${member%% *}" '.alarms | tojson')"
  done
}

# What the node has in effect, not what the file says.
settings_are_effective() {
  local wanted effective status=0
  effective=$(inside rabbitmqctl --quiet environment | tr -d ' \n')
  for wanted in \
    '{cluster_partition_handling,pause_minority}' \
    '{net_ticktime,60}' \
    '{heartbeat,30}' \
    '{consumer_timeout,1800000}' \
    '{default_queue_type,rabbit_quorum_queue}' \
    '{disk_free_limit,"2048MiB"}'; do
    if [[ $effective == *"$wanted"* ]]; then continue; fi
    echo "not in effect: $wanted"
    status=1
  done
  if [ "$(date --date "$(docker inspect --format '{{.State.StartedAt}}' rabbitmq)" +%s)" -lt "$(stat -c %Y /etc/rabbitmq/rabbitmq.conf)" ]; then
    echo "rabbitmq.conf was written after the node had started: rmq-member restart"
    status=1
  fi
  return "$status"
}

# Loopback does no harm: epmd always listens there as well, where its own server registers.
listens_in_private() {
  local port
  for port in 5672 15672 15692 \
    25672 4369; do
    same "addresses with port $port" "$ip" \
      "$(ss --listening --tcp --numeric --no-header "sport = :$port" |
        awk '{ sub(/:[0-9]+$/, "", $4) } $4 != "127.0.0.1" && $4 != "[::1]" { print $4 }' | sort | paste -s -d ' ')"
  done
}

# speaks_amqp HOST PORT: the question of the proxies. A broker that takes clients answers its header
# with the method Connection.Start, 10.10, on channel 0.
speaks_amqp() {
  local answer socket
  exec {socket}<>"/dev/tcp/$1/$2"
  printf 'AMQP\0\0\11\1' >&"$socket"
  answer=$(timeout 10 head -c 11 <&"$socket" | od -An -v -tx1 | tr -d ' \n')
  exec {socket}>&-
  if [[ $answer != 010000*000a000a ]]; then
    echo "$1:$2 answers the AMQP header with \"$answer\""
    return 1
  fi
}

member_answers() {
  speaks_amqp "$ip" 5672
  same 'management without a password' 401 \
    "$(curl --silent --output /dev/null --max-time 10 --write-out '%{http_code}' "http://$ip:$management/api/overview")"
  curl --silent --show-error --fail --max-time 10 "http://$ip:$metrics/metrics" | grep '^rabbitmq_build_info{'
}

definitions_are_right() { same 'differences from definitions.json' '' "$("$rmq" differences)"; }

# Every quorum queue works, and has a replica on three members at least.
queues_are_right() {
  local vhost
  "$rmq" healthy
  while IFS= read -r vhost; do
    same "quorum queues of $vhost with less than three replicas (rmq-member queues grow)" '' \
      "$(inside rabbitmqctl --quiet --formatter json --vhost "$vhost" list_queues name type members |
        jq --raw-output '[.[] | select(.type == "quorum" and (.members | length) < 3) | .name] | join(" ")')"
  done < <(inside rabbitmqctl --quiet --formatter json list_vhosts name | jq --raw-output '.[].name')
}

check 'the container runs the pinned image, supervised by Docker alone' container_is_right registry.meridian.example/rabbitmq:3.12.14-management
check 'the container is the one that is rendered' container_is_as_defined
check 'files have their owners and modes' files_are_right
check 'the data lie on their volume' data_on_volume
check 'every member has one name and one address, here and in the container' names_resolve
check 'the node is complete, in the pinned version, without an alarm' node_is_right
check 'all members have the Erlang cookie of the credentials' cookie_is_one
check 'every member sees all members, and no other' all_see_all
check 'nobody is cut off from the others, or short of memory or disk' nobody_is_cut_off
check 'the rendered settings are in effect' settings_are_effective
check 'it listens on its private address and nowhere else' listens_in_private
check 'AMQP, management and metrics answer' member_answers
check 'a broker answers at the official address' speaks_amqp 192.168.64.200 5672
check 'users log in; virtual hosts and permissions are the rendered ones; nobody is guest' definitions_are_right
check 'every quorum queue has a leader and its replicas' queues_are_right
check_summary
