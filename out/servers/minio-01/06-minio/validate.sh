#!/usr/bin/env bash
# Is this node what the model says, and does it agree with the others? Reads only.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

self=10.0.0.134
port=9000
console_port=9001
data_dir=/opt/keybuzz/minio/data
volume=/opt/keybuzz/minio/data
owner=1000:1000
image=minio/minio:RELEASE.2024-10-02T17-50-41Z
tag=RELEASE.2024-10-02T17-50-41Z
entry=10.0.0.134:9000
# In the order that every node must have.
addresses=(
  10.0.0.134
  10.0.0.131
  10.0.0.132
)

member=/usr/local/sbin/minio-member

# status URL: the HTTP status.
status() { curl --silent --output /dev/null --max-time 15 --write-out '%{http_code}' "$1"; }

# header URL NAME
header() {
  curl --silent --show-error --head --max-time 15 "$1" | tr -d '\r' |
    awk -F ': ' -v name="$2" 'tolower($1) == name { print $2 }'
}

# What this node says of the whole cluster, and the buckets. Asked once, so that all checks speak of one
# moment; nothing when it does not answer, and then they fail.
info=$("$member" mc-at "$self" admin info --json minio </dev/null) || info=
buckets=$("$member" mc ls --json minio </dev/null | jq --raw-output '.key | rtrimstr("/")') || buckets=

# ask FILTER: of that, one value.
ask() { jq --raw-output "$1" <<<"$info"; }

unit_is_right() {
  same enabled enabled "$(systemctl is-enabled minio-docker.service)"
  same active active "$(systemctl is-active minio-docker.service)"
}

# One container of exactly this name, of the pinned image, as its user, with one supervisor.
container_is_right() {
  local format='{{.State.Running}} {{.Config.Image}} {{.Config.User}} {{.HostConfig.RestartPolicy.Name}} {{.HostConfig.NetworkMode}} {{.HostConfig.ReadonlyRootfs}}'
  same container "true $image $owner no host true" "$(docker inspect --format "$format" minio)"
}

command_is_right() {
  local wanted
  wanted="server --address $self:$port --console-address $self:$console_port"
  wanted+=$(printf " http://%s:$port/data" "${addresses[@]}")
  same command "$wanted" "$(docker inspect --format '{{join .Config.Cmd " "}}' minio)"
}

# What needs a restart has had it.
container_is_current() {
  local file since
  since=$(docker inspect --format '{{.State.StartedAt}}' minio)
  since=$(date --date "$since" +%s)
  for file in /etc/systemd/system/minio-docker.service /etc/minio/minio.env; do
    if [ "$(stat -c %Y -- "$file")" -gt "$since" ]; then
      echo "$file is newer than the container"
      return 1
    fi
  done
  same image "$(docker image inspect --format '{{.Id}}' "$image")" "$(docker inspect --format '{{.Image}}' minio)"
}

file_is() { same "$1" "$2 $3" "$(stat -c "0%a $(if [[ $3 == *[0-9]* ]]; then echo %u:%g; else echo %U:%G; fi)" -- "$1")"; }

files_are_right() {
  file_is /etc/minio/minio.env 0600 0:0
  file_is /etc/minio/mc.env 0600 0:0
  file_is /etc/minio/policies.json 0644 0:0
  file_is /etc/minio/lifecycle.json 0644 0:0
  file_is /etc/minio/role-secrets 0600 0:0
  file_is /etc/systemd/system/minio-docker.service 0644 0:0
  file_is /usr/local/sbin/minio-member 0755 0:0
  file_is /etc/minio/drill-client.sh 0755 0:0
  file_is "$data_dir" 0750 "$owner"
}

drive_is_a_volume() {
  mountpoint "$volume"
  same 'mount of the drive' "$volume" "$(findmnt --noheadings --output TARGET --target "$data_dir")"
}

drive_is_known() { same 'drive, and what it was' "$(</var/lib/minio/identity)" "$("$member" identity)"; }

deployment_is_ours() { same deployment "$("$member" identity | cut -d ' ' -f 1)" "$(ask .info.deploymentID)"; }

# Of this process, not of earlier ones: it came up, and nothing was fatal since.
log_is_clean() {
  local log
  log=$(journalctl --no-pager --output cat _SYSTEMD_INVOCATION_ID="$(systemctl show --property InvocationID --value minio-docker.service)")
  if ! grep -q '^MinIO Object Storage Server' <<<"$log"; then
    echo "it has not said that it is up"
    return 1
  fi
  same 'fatal lines in the log' '' "$(grep -E '^(FATAL|ERROR) |unexpected drive ordering|mismatching configuration' <<<"$log" | tail -n 3)"
}

alive() { same 'GET /minio/health/live' 200 "$(status "http://$self:$port/minio/health/live")"; }

console_answers() {
  local code
  code=$(status "http://$self:$console_port/")
  if [[ $code != [23]?? ]]; then same 'GET / of the console' '2xx or 3xx' "$code"; fi
}

# Asked of every node: can it write, and how many drives does it think it needs for that?
cluster_writes() {
  local address
  for address in "${addresses[@]}"; do
    same "writes, says $address" 200 "$(status "http://$address:$port/minio/health/cluster")"
    same "write quorum of $address" 2 \
      "$(header "http://$address:$port/minio/health/cluster" x-minio-write-quorum)"
  done
}

cluster_reads() {
  local address
  for address in "${addresses[@]}"; do
    same "reads, says $address" 200 "$(status "http://$address:$port/minio/health/cluster/read")"
    same "read quorum of $address" 2 \
      "$(header "http://$address:$port/minio/health/cluster/read" x-minio-read-quorum)"
  done
}

alias_leads_to_the_entry() {
  same 'alias of mc' "http://$entry" "$("$member" mc alias list --json minio | jq --raw-output .URL)"
  same 'mc admin info minio' success "$("$member" mc admin info --json minio | jq --raw-output .status)"
}

all_nodes_online() {
  same nodes "$(printf "%s:$port online\n" "${addresses[@]}" | sort)" \
    "$(ask '.info.servers[] | "\(.endpoint) \(.state)"' | sort)"
}

all_drives_ok() {
  same drives "$(printf "http://%s:$port/data ok false\n" "${addresses[@]}" | sort)" \
    "$(ask '.info.servers[].drives[] | "\(.endpoint) \(.state) \(.healing // false)"' | sort)"
}

# The two before are what every node says of its own drive; this is what it reaches of the others'.
every_drive_is_reached() {
  local found
  found=$("$member" unreached) || return 1
  same 'not reached' '' "$found"
}

erasure_is_right() {
  same 'sets, drives, parity' '[1] [3] 1' \
    "$(ask '.info.backend | "\(.totalSets) \(.totalDrivesPerSet) \(.standardSCParity)"' | tr -d '\n')"
}

# The tag names a time with dashes, the server says it with colons.
versions_are_one() {
  local wanted=${tag#RELEASE.}
  wanted=${wanted%%Z*}Z
  wanted=${wanted%T*}T$(tr - : <<<"${wanted#*T}")
  same versions "$wanted" "$(ask '.info.servers[].version' | sort -u)"
}

environments_are_one() {
  same 'different environments' 1 "$(ask '.info.servers[].minio_env_vars | tojson' | sort -u | wc -l)"
}

clocks_agree() {
  local address there ahead
  for address in "${addresses[@]}"; do
    there=$(header "http://$address:$port/minio/health/live" date)
    if [ -z "$there" ]; then same "time of $address" 'a date' ''; fi
    ahead=$(($(date --date "$there" +%s) - $(date +%s)))
    if [ "${ahead#-}" -gt 3 ]; then same "seconds that $address is ahead" 0 "$ahead"; fi
  done
}

# bucket_is NAME: it is there, and nobody gets in without a name.
bucket_is() {
  same "bucket $1" "$1" "$(grep -xF -- "$1" <<<"$buckets")"
  same "bucket $1 without a name" 403 "$(status "http://$entry/$1/")"
}

versions_are_kept() {
  same "versioning of $1" Enabled "$("$member" mc version info --json "minio/$1" | jq --raw-output .versioning.status)"
  same "days that old versions of $1 stay" 30 \
    "$("$member" mc ilm rule export --json "minio/$1" |
      jq '.config.Rules[] | select(.ID == "kbgen-old-versions" and .Status == "Enabled").NoncurrentVersionExpiration.NoncurrentDays')"
}

# user_is NAME: enabled, with its own policy and no other, and that policy is the one rendered.
user_is() {
  local normal='.Statement | map(.Action |= sort | .Resource |= sort) | sort_by(.Sid)'
  same "user $1" "enabled app-$1" \
    "$("$member" mc admin user info --json minio "$1" | jq --raw-output '"\(.userStatus) \(.policyName)"')"
  same "policy app-$1" \
    "$(jq --compact-output --sort-keys --arg role "$1" ".[] | select(.role == \$role).policy | $normal" /etc/minio/policies.json)" \
    "$("$member" mc admin policy info --json minio "app-$1" | jq --compact-output --sort-keys ".policyInfo.Policy | $normal")"
}

check 'minio-docker.service is enabled and active' unit_is_right
check 'the container runs the pinned image, supervised by systemd alone' container_is_right
check 'it was started with all endpoints, in the order of all nodes' command_is_right
check 'it was started with the files and the image that are there now' container_is_current
check 'files have their owners and modes' files_are_right
check 'the drive is a volume of its own' drive_is_a_volume
check 'the drive is this node'\''s: sets, drives, place' "$member" guard
check 'the drive is the one that the node has always had' drive_is_known
check 'the deployment that runs is the one on the drive' deployment_is_ours
check 'the log of this run has nothing fatal' log_is_clean
check 'this node is alive' alive
check 'the console answers' console_answers
check 'every node can write, with the quorum that was computed' cluster_writes
check 'every node can read, with the quorum that was computed' cluster_reads
check 'the alias of mc leads to the entry point' alias_leads_to_the_entry
check 'this node sees all nodes online' all_nodes_online
check 'this node sees all drives, none being rebuilt' all_drives_ok
check 'every node reaches every drive' every_drive_is_reached
check 'sets and parity are those of the model' erasure_is_right
check 'all nodes run the version of the image' versions_are_one
check 'all nodes have the same environment' environments_are_one
check 'the clocks of all nodes agree' clocks_agree
check 'bucket kbgen-check, for checks' bucket_is kbgen-check
check 'bucket keybuzz-backups' bucket_is keybuzz-backups
check 'bucket keybuzz-chatwoot' bucket_is keybuzz-chatwoot
check 'bucket keybuzz-backups keeps old versions' versions_are_kept keybuzz-backups
check 'user keybuzz-backups has its policy and no other' user_is keybuzz-backups
check 'user keybuzz-chatwoot has its policy and no other' user_is keybuzz-chatwoot
check_summary
