#!/usr/bin/env bash
# Installs this member and starts it, one after the other. A member that runs is stopped only for a
# new definition of its container or a new configuration, and only when the others can do without it;
# everything else reaches it while it runs. Nothing here ever takes a member out of its cluster.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

member=mq-3
index=3
data_dir=/data/parcels
rmq=/usr/local/sbin/rmq-member
state=$data_dir/mnesia/rabbit@$member
# Beside the data's disk, so that a disk that was lost or exchanged does not look like a new member.
joined_once=/opt/meridian/state/05-parcels.joined

running() { [ "$(docker inspect --format '{{.State.Running}}' rabbitmq 2>/dev/null)" = true ]; }

# What the container was made of, or what the node read when it started.
is_defined() {
  [ "$(docker inspect --format '{{index .Config.Labels "kbgen.definition"}}' rabbitmq 2>/dev/null)" = "$("$rmq" definition)" ]
}
configuration_is_newer() {
  local file since
  since=$(date --date "$(docker inspect --format '{{.State.StartedAt}}' rabbitmq)" +%s)
  for file in /etc/rabbitmq/rabbitmq.conf /etc/rabbitmq/enabled_plugins; do
    if [ "$(stat -c %Y -- "$file")" -gt "$since" ]; then return 0; fi
  done
  return 1
}

# It takes clients: then it is stopped only when the others can do without it. A node that cannot
# start, or waits for others, is missed by nobody.
serves() { "$rmq" booted || (: <"/dev/tcp/192.168.64.33/5672") 2>/dev/null; }

# ---------------------------------------------------------------- files

# Members with two cookies do not hear each other, so a new one cannot be brought in one by one.
cookie_is_new() {
  local wanted file=/opt/meridian/credentials/parcels.env key=PARCELS_COOKIE
  wanted=$(sed -n "s/^$key=//p" "$file" | tr -d '\n' | openssl dgst -md5 -binary | base64)
  [ "$wanted" != "$(docker exec rabbitmq rabbitmq-diagnostics --quiet erlang_cookie_hash </dev/null)" ]
}
if running && [ -x "$rmq" ] && "$rmq" booted && cookie_is_new; then
  fail "the Erlang cookie is not the one of the running member, and members can only change it together: docker stop rabbitmq on all of them, then this step again"
fi

install_file 0644 0:0 /etc/rabbitmq/rabbitmq.conf
install_file 0644 0:0 /etc/rabbitmq/enabled_plugins
fill_file 0600 999:999 /etc/rabbitmq/definitions.json
fill_file 0400 999:999 /etc/rabbitmq/erlang.cookie
fill_file 0600 0:0 /etc/rabbitmq/role-passwords
fill_file 0600 0:0 /etc/rabbitmq/drill.url
install_file 0755 0:0 /usr/local/sbin/rmq-member
install_file 0755 0:0 /usr/local/lib/rmq-member/drill-client.py

# ---------------------------------------------------------------- a member that runs

replaced=false
if running && { ! is_defined || configuration_is_newer; }; then
  log "the container's definition or the configuration is newer than the node"
  if serves; then
    "$rmq" stop
    replaced=true
  else
    docker stop rabbitmq >/dev/null
  fi
fi

# ---------------------------------------------------------------- a member that does not

had_data=false
if [ -d "$state" ]; then had_data=true; fi

# Back in the cluster; or up, and waiting for members that know more and do not run yet.
started() { "$rmq" joined || { [ "$had_data" = true ] && "$rmq" waiting; }; }

if ! running; then
  if [ "$had_data" = false ] && [ -e "$joined_once" ]; then
    fail "$member was a member, and its data are gone from $data_dir: on the install host, reinit.sh $member"
  fi
  answering=$("$rmq" peer-answers)
  if [ "$had_data" = false ] && [ "$index" -gt 1 ] && [ -z "$answering" ]; then
    fail "$member has no data, and no other member answers: it would found a cluster of its own"
  fi
  if is_defined; then
    log "starting $member"
    docker start rabbitmq >/dev/null
  else
    log "making the container of $member"
    "$rmq" create
  fi
fi

question=started
if [ "$replaced" = true ]; then question="$rmq healthy"; fi
# shellcheck disable=SC2086  # a command and its argument
if ! wait_for 600 $question; then
  docker logs --tail 40 rabbitmq >&2
  fail "$member is not back; the end of its log is above"
fi
if "$rmq" joined; then
  install -d -m 0750 "$(dirname -- "$joined_once")"
  : >"$joined_once"
  log "$member is in the cluster"
else
  log "$member is up, and waits for the others"
fi
