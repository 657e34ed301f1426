#!/usr/bin/env bash
# Brings the part of the configuration that lives in the DCS up to date. It is the section
# bootstrap.dcs of patroni.yml, which Patroni itself reads only once, when the cluster is born.
# Keys that are not there any more stay in the DCS: `pg-member ctl edit-config` takes them out.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

cluster=fruit
rest=http://172.20.9.1:8118

in_member() { docker exec --interactive patroni "$@"; }

wanted=$(in_member python3 -c '
import json, yaml
print(json.dumps(yaml.safe_load(open("/etc/patroni/patroni.yml"))["bootstrap"]["dcs"]))')
answer=$(in_member patronictl -c /etc/patroni/patroni.yml edit-config --force --apply - <<<"$wanted")
log "configuration in the DCS:"
printf '%s\n' "$answer" >&2
if [ "$answer" = "Not changed" ]; then exit 0; fi

# Members act on it in their next round.
sleep 10

state=$(curl --silent --show-error --fail --max-time 5 "$rest/cluster")
waiting=$(jq --raw-output '[.members[] | select(.pending_restart) | .name] | join(" ")' <<<"$state")
if [ -z "$waiting" ]; then exit 0; fi
log "some parameters need a restart of PostgreSQL on: $waiting"
log "replicas first, the leader last:  pg-member ctl restart $cluster <member> --pending --force"
