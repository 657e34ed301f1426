#!/usr/bin/env bash
# The load balancers of meridian, as commands of hcloud.
#
#   balancers.sh            says what differs at the provider, and the commands that put it right
#   balancers.sh --yes      runs them
#   --prune                 also takes away services and targets that are not written here
#   --only=NAME[,NAME]      these load balancers only
#
# A second run changes nothing. Nobody runs it but an operator: no step of an installation does. hcloud
# takes its token from the active context or from HCLOUD_TOKEN.
# shellcheck disable=SC2034  # lib/host.sh keeps its logs there, not in the rendered tree
kb_root=/opt/meridian
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
# shellcheck source-path=SCRIPTDIR source=hcloud.sh
. "$here/hcloud.sh"

load_balancers() {
  # ---- data
  balancer meridian-data lb21 fsn1 round_robin
  protected
  attached meridian-private 192.168.64.200
  internal
  target gate-1 192.168.64.11
  target gate-2 192.168.64.12
  # parcels, amqp
  service 5672 --protocol=tcp --destination-port=5672 \
    --health-check-protocol=tcp --health-check-port=5672 --health-check-interval=5s \
    --health-check-timeout=2s --health-check-retries=2
  # jobs, redis
  service 6379 --protocol=tcp --destination-port=6379 \
    --health-check-protocol=tcp --health-check-port=6379 --health-check-interval=5s \
    --health-check-timeout=2s --health-check-retries=2
  # sessions, redis
  service 6380 --protocol=tcp --destination-port=6390 \
    --health-check-protocol=tcp --health-check-port=6390 --health-check-interval=5s \
    --health-check-timeout=2s --health-check-retries=2
  nothing_else

  # ---- tills
  balancer tills lb11 nbg1 round_robin
  protected
  attached meridian 192.168.64.201
  internal
  target door-1 192.168.64.21
  target door-2 192.168.64.22
  # tills, sql
  service 3306 --protocol=tcp --destination-port=3306 \
    --health-check-protocol=tcp --health-check-port=3306 --health-check-interval=5s \
    --health-check-timeout=2s --health-check-retries=2
  nothing_else

  # ---- shop
  balancer shop lb11 nbg1 round_robin
  protected
  attached meridian 192.168.64.202
  public 198.51.100.99
  target web-1 192.168.64.71
  target web-2 192.168.64.72
  # web, tcp
  service 443 --protocol=https --destination-port=8080 --http-certificates=meridian \
    --health-check-protocol=http --health-check-port=8080 --health-check-interval=10s \
    --health-check-timeout=5s --health-check-retries=3 \
    --health-check-http-path=/alive --health-check-http-status-codes=204
  nothing_else
}

lb_run load_balancers "$@"
