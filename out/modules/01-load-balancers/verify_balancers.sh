#!/usr/bin/env bash
# Are the load balancers what lb/balancers.json says, are their targets healthy where they should be, and
# does every address answer for every name? Reads only. hcloud takes its token from the active context
# or from HCLOUD_TOKEN.
# shellcheck disable=SC2154  # lib/fleet.sh sets tree, fleet_reports
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # lib/fleet.sh reads them
root=/opt/keybuzz-installer folder=01-load-balancers
# shellcheck source=/dev/null
. "$here/../../lib/fleet.sh"
trap 'kb_failed "$?"' ERR

days=14 # a certificate must be valid for at least so many more
wanted=$tree/lb/balancers.json

state=$(umask 077 && mktemp -d -t verify.XXXXXXXX)
trap 'rm -rf -- "$state" "$fleet_reports"; kb_leave' EXIT

# ask FILE COMMAND...: keeps what the provider says.
ask() {
  local file=$state/$1.json
  shift
  if ! hcloud "$@" --output=json >"$file" </dev/null; then
    fail "hcloud cannot read the project: is there an active context, or HCLOUD_TOKEN?"
  fi
}

# Only `describe` says everything: `list` leaves out networks and certificates in some versions.
ask_everything() {
  local there called
  ask list load-balancer list
  ask servers server list
  ask networks network list
  ask certificates certificate list
  there=$(jq --raw-output --slurpfile wanted "$wanted" \
    '[$wanted[0].load_balancers[].called] as $called | (. // [])[].name | select(IN($called[]))' "$state/list.json")
  : >"$state/described.json"
  for called in $there; do
    ask one load-balancer describe "$called"
    cat -- "$state/one.json" >>"$state/described.json"
  done
}

# query FUNCTION: lines of a function of lb/balancers.jq.
query() {
  jq -L "$tree/lb" --null-input --raw-output \
    --slurpfile wanted "$wanted" --slurpfile described "$state/described.json" --slurpfile servers "$state/servers.json" \
    --slurpfile networks "$state/networks.json" --slurpfile certificates "$state/certificates.json" \
    "include \"balancers\"; {wanted: \$wanted[0], described: \$described, servers: \$servers[0],
      networks: \$networks[0], certificates: \$certificates[0]} | $1"
}

# nothing_wrong TEXT: lines of what is wrong.
nothing_wrong() {
  if [ -n "$1" ]; then
    printf '%s\n' "$1"
    return 1
  fi
}

# lasts UNTIL DAYS
lasts() {
  local left
  if [ "$1" = never ]; then
    echo "the project has no certificate of this name, or it was never issued"
    return 1
  fi
  left=$((($(date --date "$1" +%s) - $(date +%s)) / 86400))
  if [ "$left" -lt "$2" ]; then
    echo "it ends in $left days, at $1"
    return 1
  fi
}

# answers NAME IP PORT PROTOCOL: this load balancer, not the one that a resolver happens to name first. Who
# answers 404 is reached; a 5xx is the load balancer's own answer when it reaches nobody.
answers() {
  local status
  status=$(curl --silent --show-error --output /dev/null --noproxy '*' --connect-timeout 5 --max-time 15 \
    --resolve "$1:$3:$2" --write-out '%{http_code}' "$4://$1:$3/")
  if [ "$status" -ge 500 ]; then
    echo "answered $status"
    return 1
  fi
}

ask_everything
separator=$'\x1f' newline=$'\n'

rows=$(query checks)
while IFS=$'\t' read -r text wrong; do
  if [ -n "$text" ]; then check "$text" nothing_wrong "${wrong//$separator/$newline}"; fi
done <<<"$rows"

rows=$(query ends)
while read -r until certificate; do
  if [ -n "$until" ]; then check "certificate $certificate is valid for another $days days" lasts "$until" "$days"; fi
done <<<"$rows"

rows=$(query doors)
while read -r name ip port protocol called; do
  if [ -n "$name" ]; then check "$protocol://$name:$port at $ip ($called)" answers "$name" "$ip" "$port" "$protocol"; fi
done <<<"$rows"

check_summary
