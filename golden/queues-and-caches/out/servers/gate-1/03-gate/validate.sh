#!/usr/bin/env bash
# Is this proxy what the model says, and whom does it send clients to? Reads only.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

unit_is_right() {
  same enabled enabled "$(systemctl is-enabled haproxy-docker.service)"
  same active active "$(systemctl is-active haproxy-docker.service)"
}

# One container of exactly this name, of the pinned image, as the image's user, with one supervisor.
container_is_right() {
  local format='{{.State.Running}} {{.Config.Image}} {{.Config.User}} {{.HostConfig.RestartPolicy.Name}} {{.HostConfig.NetworkMode}}'
  same container "true $1 99:99 no host" "$(docker inspect --format "$format" haproxy)"
}

file_is() { same "$1" "$2 $3" "$(stat -c "0%a $(if [[ $3 == *[0-9]* ]]; then echo %u:%g; else echo %U:%G; fi)" -- "$1")"; }

files_are_right() {
  file_is /etc/haproxy/haproxy.cfg 0644 0:0
  file_is /etc/haproxy/haproxy.env 0600 0:0
  file_is /etc/systemd/system/haproxy-docker.service 0644 0:0
}

configuration_is_loaded() {
  local loaded written
  docker exec haproxy haproxy -c -q -f /usr/local/etc/haproxy/haproxy.cfg
  written=$(stat -c %Y /etc/haproxy/haproxy.cfg)
  # When the process that serves now was started.
  loaded=$(runtime 'show info' | awk -F ': ' '$1 == "Start_time_sec" { print $2 }')
  if [ "$loaded" -lt "$written" ]; then
    echo "haproxy.cfg was written after it was last loaded: systemctl reload haproxy-docker"
    return 1
  fi
}

# runtime COMMAND: HAProxy's own socket.
runtime() { socat -t 5 - UNIX-CONNECT:/run/haproxy/admin.sock <<<"$1"; }

# members_of LISTENER STATUS: the members that HAProxy has in that status, in one line. The columns of
# the table are found by their names.
members_of() {
  runtime 'show stat' | awk -F , -v listener="$1" -v status="$2" '
    NR == 1 { sub(/^# /, ""); for (i = 1; i <= NF; i++) column[$i] = i; next }
    $column["pxname"] == listener && $column["svname"] !~ /^(FRONTEND|BACKEND)$/ && $column["status"] ~ "^" status {
      printf "%s%s", between, $column["svname"]; between = " "
    }'
}

accepts() { (: <"/dev/tcp/127.0.0.1/$1"); }

# asks ADDRESS PORT PATH: the HTTP status that a member gives.
asks() { curl --silent --output /dev/null --max-time 5 --write-out '%{http_code}' "http://$1:$2$3"; }

# What a check asks, asked from here: http ADDRESS PORT PATH STATUS, tcp ADDRESS PORT, and
# dialogue ADDRESS PORT STEP..., a step being four words: line or hex, what is sent, the variable whose value
# follows it, and what must be in the answer.
http() { [ "$(asks "$1" "$2" "$3")" = "$4" ]; }

tcp() { : <"/dev/tcp/$1/$2"; }

dialogue() {
  local member value answer wanted
  exec {member}<>"/dev/tcp/$1/$2"
  shift 2
  while [ "$#" -gt 0 ]; do
    if [ "$1" = hex ]; then
      printf '%b' "$(fold -w 2 <<<"$2" | sed 's/^/\\x/' | tr -d '\n')" >&"$member"
    elif [ -n "$2" ]; then
      value=
      if [ -n "$3" ]; then value=$(sed -n "s/^$3=//p" /etc/haproxy/haproxy.env); fi
      printf '%s%s\r\n' "$2" "$value" >&"$member"
    fi
    # One read gives what the member says at once, and that is all of it.
    if [ -n "$4" ]; then
      answer=$(dd bs=65536 count=1 status=none <&"$member" | hex)
      wanted=$4
      if [ "$1" = line ]; then wanted=$(printf '%s' "$4" | hex); fi
      if [[ $answer != *"$wanted"* ]]; then return 1; fi
    fi
    shift 4
  done
}

hex() { od -An -v -tx1 | tr -d ' \n'; }

# A member that is gone does not refuse, it is silent: every question has five seconds.
export -f asks http tcp dialogue hex
# shellcheck disable=SC2016  # this text is for the inner bash
within() { timeout 5 bash -euo pipefail -c '"$@"' within "$@"; }

# only_those LISTENER MEMBERS QUESTION PORT ARGUMENT...: whoever answers the check, asked from here, gets
# clients, and nobody else; and there is one. MEMBERS are words "name=address".
only_those() {
  local listener=$1 members=$2 question=$3 member wanted='' found
  shift 3
  for member in $members; do
    if within "$question" "${member#*=}" "$@"; then wanted+="${wanted:+ }${member%%=*}"; fi
  done
  if [ -z "$wanted" ]; then
    echo "no member answers as the check wants it"
    return 1
  fi
  found=$(members_of "$listener" UP)
  same "members that get clients of $listener" "$wanted" "$found"
}

statistics_are_guarded() {
  same '/stats without a password' 401 "$(asks "$1" "$2" /stats)"
  same '/metrics without a password' 401 "$(asks "$1" "$2" /metrics)"
}

check 'haproxy-docker.service is enabled and active' unit_is_right
check 'the container runs the pinned image, supervised by systemd alone' container_is_right registry.meridian.example/haproxy:2.8.5
check 'files have their owners and modes' files_are_right
check 'the configuration is valid, and the one that is loaded' configuration_is_loaded
check 'parcels: port 5672 accepts' accepts 5672
check 'parcels: clients go to the members that answer as they should, and to no other' \
  only_those parcels-amqp 'mq-1=192.168.64.31 mq-2=192.168.64.32 mq-3=192.168.64.33 mq-4=192.168.64.34 mq-5=192.168.64.35' \
  dialogue 5672 \
    hex 414d515000000901 '' 000a000a

check 'jobs: port 6379 accepts' accepts 6379
check 'jobs: clients go to the members that answer for the role, and to no other' \
  only_those jobs-redis 'jobs-1=192.168.64.41 jobs-2=192.168.64.42 jobs-3=192.168.64.43' \
  dialogue 6379 \
    line 'AUTH ' JOBS_PASSWORD +OK \
    line PING '' +PONG \
    line 'info replication' '' role:master \
    line QUIT '' +OK

check 'sessions: port 6390 accepts' accepts 6390
check 'sessions: clients go to the members that answer for the role, and to no other' \
  only_those sessions-redis 'sess-1=192.168.64.51 sess-2=192.168.64.52 sess-3=192.168.64.53' \
  dialogue 6390 \
    line 'AUTH ' SESSIONS_PASSWORD +OK \
    line PING '' +PONG \
    line 'info replication' '' role:master \
    line QUIT '' +OK

check 'statistics and metrics ask for the password' statistics_are_guarded 192.168.64.11 8404
check_summary
