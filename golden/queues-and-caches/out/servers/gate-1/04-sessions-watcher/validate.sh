#!/usr/bin/env bash
# Does this watcher know who leads, and does its proxy do what it says? Reads, and writes one key of its own.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

watcher="sessions-watcher"
listener=sessions-redis
master_name="sessions"
sentinel_port=26390
interval=5
sentinels=(192.168.64.51 192.168.64.52 192.168.64.53)
majority=$((${#sentinels[@]} / 2 + 1))

# secret KEY: from the watcher's own file.
secret() {
  local line
  while IFS= read -r line; do
    if [[ $line == "$1="* ]]; then
      printf '%s' "${line#*=}"
      return
    fi
  done <"/etc/$watcher/$watcher.env"
  return 1
}

status_of() { sed -n "s/^$1=//p" "/run/$watcher/status"; }

unit_is_right() {
  same enabled enabled "$(systemctl is-enabled "$watcher.service")"
  same active active "$(systemctl is-active "$watcher.service")"
}

file_is() { same "$1" "$2 $3" "$(stat -c "0%a $(if [[ $3 == *[0-9]* ]]; then echo %u:%g; else echo %U:%G; fi)" -- "$1")"; }

files_are_right() {
  file_is /usr/local/sbin/sessions-watcher 0755 0:0
  file_is /etc/sessions-watcher/sessions-watcher.env 0600 0:0
  file_is /etc/systemd/system/sessions-watcher.service 0644 0:0
}

# A watcher that hangs leaves a status that says how well all was.
status_is_fresh() {
  local age
  age=$(($(date +%s) - $(date --date "$(status_of checked)" +%s)))
  if [ "$age" -gt $((interval * 3)) ]; then
    echo "the last round was $age s ago"
    return 1
  fi
}

follows() {
  same state following "$(status_of state)"
  same error '' "$(status_of error)"
}

# The address that a majority of the Sentinels names, asked from here.
agreed_master() {
  local address
  for address in "${sentinels[@]}"; do
    REDISCLI_AUTH=$(secret REDISCLI_AUTH) timeout 5 redis-cli -h "$address" -p "$sentinel_port" \
      SENTINEL GET-MASTER-ADDR-BY-NAME "$master_name" </dev/null | paste -s -d : || true
  done | sort | uniq -c | awk -v majority="$majority" '$1 >= majority { print $2 }'
}

# One line a member of the listener, "name address:port operational administrative".
members() {
  socat -t 5 - UNIX-CONNECT:/run/haproxy/admin.sock <<<"show servers state $listener" | awk -v listener="$listener" '
    /^# / { for (i = 2; i <= NF; i++) column[$i] = i - 1; next }
    NF > 5 && $column["be_name"] == listener {
      print $column["srv_name"], $column["srv_addr"] ":" $column["srv_port"], $column["srv_op_state"], $column["srv_admin_state"] % 2
    }'
}

# The master is up and not in maintenance, and is the only one that is not.
proxy_follows() {
  local agreed admitted
  agreed=$(agreed_master)
  if [ -z "$agreed" ]; then
    echo "no majority of the Sentinels names the same master"
    return 1
  fi
  admitted=$(members | awk '$4 == 0 { print $2, ($3 == 2) ? "up" : "down" }')
  same 'members that may get clients' "$agreed up" "$admitted"
  same 'master in the status' "$(members | awk -v address="$agreed" '$2 == address { print $1 }')" "$(status_of master)"
}

# through_proxy: commands on stdin, through this proxy; its listener has the port of its members.
through_proxy() {
  local port
  port=$(members | awk 'NR == 1 { sub(/.*:/, "", $2); print $2 }')
  REDISCLI_AUTH=$(secret REDIS_PASSWORD) timeout 5 redis-cli -h 127.0.0.1 -p "$port" | tr -d '\r'
}

clients_reach_the_master() { same PING PONG "$(through_proxy <<<PING)"; }

leads() { same role master "$(through_proxy <<<ROLE | sed -n 1p)"; }

clients_can_write() {
  local key=kbgen:validate:gate-1
  same 'SET, GET, DEL' 'OK written 1' "$(printf 'SET %s written EX 60\nGET %s\nDEL %s\n' "$key" "$key" "$key" | through_proxy | paste -s -d ' ')"
}

check 'sessions-watcher.service is enabled and active' unit_is_right
check 'files have their owners and modes' files_are_right
check 'the status is fresh' status_is_fresh
check 'it follows a majority of the Sentinels, without an error' follows
check 'the proxy admits the master that a majority names, and nobody else' proxy_follows
check 'Redis answers through this proxy' clients_reach_the_master
check 'whoever answers says that it leads' leads
check 'clients can write, read and delete through this proxy' clients_can_write
check_summary
