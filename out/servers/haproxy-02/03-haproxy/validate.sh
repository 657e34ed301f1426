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

# asks ADDRESS PORT PATH: the HTTP status that a member gives for its role.
asks() { curl --silent --output /dev/null --max-time 5 --write-out '%{http_code}' "http://$1:$2$3"; }

accepts() { (: <"/dev/tcp/127.0.0.1/$1"); }

# by_role LISTENER PORT PATH STATUS NAME ADDRESS...: the members that answer for the role, asked from
# here, are those that HAProxy sends clients to; and there is one.
by_role() {
  local listener=$1 port=$2 path=$3 status=$4 wanted=''
  shift 4
  while [ "$#" -gt 0 ]; do
    if [ "$(asks "$2" "$port" "$path")" = "$status" ]; then wanted+="${wanted:+ }$1"; fi
    shift 2
  done
  if [ -z "$wanted" ]; then
    echo "no member answers for the role"
    return 1
  fi
  same "members that get clients of $listener" "$wanted" "$(members_of "$listener" UP)"
}

someone_up() { [ -n "$(members_of "$1" UP)" ]; }

statistics_are_guarded() {
  same '/stats without a password' 401 "$(asks "$1" "$2" /stats)"
  same '/metrics without a password' 401 "$(asks "$1" "$2" /metrics)"
}

check 'haproxy-docker.service is enabled and active' unit_is_right
check 'the container runs the pinned image, supervised by systemd alone' container_is_right haproxy:2.8.5
check 'files have their owners and modes' files_are_right
check 'the configuration is valid, and the one that is loaded' configuration_is_loaded
check 'postgres: port 5432 accepts' accepts 5432
check 'postgres: clients go to the members that answer for the role, and to no other' by_role \
  postgres-sql 8008 /primary 200 \
  db-master-01 10.0.0.120 \
  db-slave-01 10.0.0.121 \
  db-slave-02 10.0.0.122

check 'statistics and metrics ask for the password' statistics_are_guarded 10.0.0.12 8404
check_summary
