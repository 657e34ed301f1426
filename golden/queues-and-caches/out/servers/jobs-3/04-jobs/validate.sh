#!/usr/bin/env bash
# Is this member what the model says, and does it agree with the others? Reads, and writes one key of its own.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

name="jobs-3"
self=192.168.64.43
data_dir=/data/jobs
master_name="jobs"
peers=(192.168.64.41 192.168.64.42)
member=/usr/local/sbin/redis-member

# info SECTION FIELD: of this member's Redis.
info() { "$member" cli INFO "$1" | tr -d '\r' | awk -F : -v name="$2" '$1 == name { print substr($0, length(name) + 2) }'; }

unit_is_right() {
  same enabled enabled "$(systemctl is-enabled "$1")"
  same active active "$(systemctl is-active "$1")"
}

# container_is_right NAME PROGRAM FILE: exactly this name, the pinned image, the image's user, one supervisor,
# and nothing in its arguments but the name of its file.
container_is_right() {
  local format='{{.State.Running}} {{.Config.Image}} {{.Config.User}} {{.HostConfig.RestartPolicy.Name}} {{.HostConfig.NetworkMode}} {{.Path}} {{.Args}}'
  same container "true registry.meridian.example/redis:7.2.5-alpine 999:1000 no host $2 [$3]" "$(docker inspect --format "$format" "$1")"
}

file_is() { same "$1" "$2 $3" "$(stat -c "0%a $(if [[ $3 == *[0-9]* ]]; then echo %u:%g; else echo %U:%G; fi)" -- "$1")"; }

files_are_right() {
  file_is /etc/redis/redis.conf 0600 0:0
  file_is /etc/redis/sentinel.conf 0600 0:0
  file_is /etc/redis/client.env 0600 0:0
  file_is /etc/systemd/system/redis-docker.service 0644 0:0
  file_is /etc/systemd/system/redis-sentinel-docker.service 0644 0:0
  file_is /usr/local/sbin/redis-member 0755 0:0
  # Redis and Sentinel write their files anew as they like; that the folders are closed is what counts.
  file_is "$data_dir/redis" 0700 999:1000
  file_is "$data_dir/sentinel" 0700 999:1000
}

answers() { same PING PONG "$("$member" "$1" PING)"; }

# asks_for_password PORT COMMAND...
asks_for_password() {
  local port=$1 answer
  shift
  answer=$(REDISCLI_AUTH='' timeout 5 redis-cli -h "$self" -p "$port" "$@")
  if [[ $answer != NOAUTH* ]]; then same "$* without a password" NOAUTH "$answer"; fi
}

role() { info replication role; }

# The file that the next start begins with says what is so now: a failover outlives restarts.
role_is_remembered() {
  local wanted=
  if [ "$(role)" = slave ]; then wanted="$(info replication master_host) $(info replication master_port)"; fi
  same 'replicaof in redis.conf' "$wanted" "$(awk '$1 == "replicaof" { print $2, $3 }' "$data_dir/redis/redis.conf")"
}

master_is_remembered() {
  same 'monitored master' "$("$member" sentinel SENTINEL GET-MASTER-ADDR-BY-NAME "$master_name" | paste -s -d ' ')" \
    "$(awk '$1 == "sentinel" && $2 == "monitor" { print $4, $5 }' "$data_dir/sentinel/sentinel.conf")"
}

# parameter_is NAME VALUE: what the running process goes by.
parameter_is() { same "$1" "$2" "$("$member" cli CONFIG GET "$1" | sed -n 2p)"; }

parameters_are_effective() {
  cmp /etc/redis/redis.conf /run/redis-member/redis.conf
  cmp /etc/redis/sentinel.conf /run/redis-member/sentinel.conf
  parameter_is maxmemory 4294967296
  parameter_is maxmemory-policy noeviction
  parameter_is appendonly yes
  parameter_is appendfsync always
  parameter_is timeout 0
  parameter_is tcp-keepalive 60
  parameter_is min-replicas-to-write 1
  parameter_is min-replicas-max-lag 10
  parameter_is maxclients 10000
  parameter_is replica-announce-ip "$self"
}

# sentinel_value_is NAME VALUE
sentinel_value_is() {
  same "$1" "$2" "$("$member" sentinel SENTINEL MASTER "$master_name" | awk -v name="$1" 'found == 1 { print; found = 2 } $0 == name && !found { found = 1 }')"
}

sentinel_is_right() {
  sentinel_value_is quorum 2
  sentinel_value_is down-after-milliseconds 5000
  sentinel_value_is failover-timeout 60000
  sentinel_value_is parallel-syncs 1
}

data_reaches_the_disk() {
  same aof_enabled 1 "$(info persistence aof_enabled)"
  same aof_last_write_status ok "$(info persistence aof_last_write_status)"
  same aof_last_bgrewrite_status ok "$(info persistence aof_last_bgrewrite_status)"
  same rdb_last_bgsave_status ok "$(info persistence rdb_last_bgsave_status)"
}

# A key is written, read and taken away again, by its own connection.
clients_can_write() {
  local key=kbgen:validate:$name
  same 'SET, GET, DEL' 'OK written 1' "$(printf 'SET %s written EX 60\nGET %s\nDEL %s\n' "$key" "$key" "$key" | "$member" official | paste -s -d ' ')"
}

# Every replica has acknowledged a write before WAIT answers.
writes_reach_all_replicas() {
  local key=kbgen:validate:$name
  same 'SET, WAIT, DEL' "OK ${#peers[@]} 1" "$(printf 'SET %s written EX 60\nWAIT %s 2000\nDEL %s\n' "$key" "${#peers[@]}" "$key" | "$member" official | paste -s -d ' ')"
}

kernel_is_right() { same vm.overcommit_memory 1 "$(sysctl --values vm.overcommit_memory)"; }

check 'redis-docker.service is enabled and active' unit_is_right redis-docker.service
check 'redis-sentinel-docker.service is enabled and active' unit_is_right redis-sentinel-docker.service
check 'container redis runs the pinned image, supervised by systemd alone' container_is_right redis redis-server /data/redis.conf
check 'container redis-sentinel runs the pinned image, supervised by systemd alone' \
  container_is_right redis-sentinel redis-sentinel /data/sentinel.conf
check 'files have their owners and modes' files_are_right
check 'the data volume is mounted' mountpoint /data
check 'the kernel lets Redis fork' kernel_is_right
check 'Redis answers' answers cli
check 'Redis asks for its password' asks_for_password 6379 PING
check 'Sentinel answers' answers sentinel
check 'Sentinel asks for its password' asks_for_password 26379 SENTINEL MASTERS
check 'passwords from before a change are forgotten' "$member" old-passwords
check 'one member leads, the others replicate it, all Sentinels agree and see each other' "$member" healthy
check 'Redis would be started again in the role that it has' role_is_remembered
check 'Sentinel would be started again with the master that it has' master_is_remembered
check 'the parameters of Redis are in effect' parameters_are_effective
check 'the parameters of Sentinel are in effect' sentinel_is_right
check 'what is written reaches the disk' data_reaches_the_disk
check 'clients can write, read and delete at 192.168.64.200:6379' clients_can_write
check 'a write reaches all replicas' writes_reach_all_replicas
check_summary
