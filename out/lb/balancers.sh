#!/usr/bin/env bash
# The load balancers of keybuzz, as commands of hcloud.
#
#   balancers.sh            says what differs at the provider, and the commands that put it right
#   balancers.sh --yes      runs them
#   --prune                 also takes away services and targets that are not written here
#   --only=NAME[,NAME]      these load balancers only
#
# A second run changes nothing. Nobody runs it but an operator: no step of an installation does. hcloud
# takes its token from the active context or from HCLOUD_TOKEN.
# shellcheck disable=SC2034  # lib/host.sh keeps its logs there, not in the rendered tree
kb_root=/opt/keybuzz-installer
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
  # ---- internal
  balancer lb-haproxy lb11 nbg1 round_robin
  protected
  attached keybuzz 10.0.0.10
  internal
  target haproxy-01 10.0.0.11
  target haproxy-02 10.0.0.12
  # postgres, sql
  service 5432 --protocol=tcp --destination-port=5432 \
    --health-check-protocol=tcp --health-check-port=5432 --health-check-interval=3s \
    --health-check-timeout=3s --health-check-retries=3
  # pgbouncer, sql
  service 6432 --protocol=tcp --destination-port=6432 \
    --health-check-protocol=tcp --health-check-port=6432 --health-check-interval=3s \
    --health-check-timeout=3s --health-check-retries=3
  # redis, redis
  service 6379 --protocol=tcp --destination-port=6379 \
    --health-check-protocol=tcp --health-check-port=6379 --health-check-interval=3s \
    --health-check-timeout=3s --health-check-retries=3
  # rabbitmq, amqp
  service 5672 --protocol=tcp --destination-port=5672 \
    --health-check-protocol=tcp --health-check-port=5672 --health-check-interval=3s \
    --health-check-timeout=3s --health-check-retries=3
  nothing_else

  # ---- mariadb
  balancer lb-proxysql lb11 nbg1 round_robin
  protected
  attached keybuzz 10.0.0.20
  internal
  target proxysql-01 10.0.0.173
  target proxysql-02 10.0.0.174
  # mariadb, sql
  service 3306 --protocol=tcp --destination-port=3306 \
    --health-check-protocol=tcp --health-check-port=3306 --health-check-interval=3s \
    --health-check-timeout=3s --health-check-retries=3
  nothing_else

  # ---- lb-keybuzz-1
  balancer lb-keybuzz-1 lb11 nbg1 round_robin
  protected
  attached keybuzz 10.0.0.5
  public 49.13.42.76
  target k3s-master-01 10.0.0.100
  target k3s-master-02 10.0.0.101
  target k3s-master-03 10.0.0.102
  target k3s-worker-01 10.0.0.110
  target k3s-worker-02 10.0.0.111
  target k3s-worker-03 10.0.0.112
  target k3s-worker-04 10.0.0.113
  target k3s-worker-05 10.0.0.114
  # ingress, tcp
  service 80 --protocol=http --destination-port=31695 \
    --health-check-protocol=http --health-check-port=31695 --health-check-interval=10s \
    --health-check-timeout=5s --health-check-retries=3 \
    --health-check-http-path=/healthz --health-check-http-status-codes=200
  # ingress, tcp
  service 443 --protocol=https --destination-port=31695 --http-certificates=keybuzz-io \
    --health-check-protocol=http --health-check-port=31695 --health-check-interval=10s \
    --health-check-timeout=5s --health-check-retries=3 \
    --health-check-http-path=/healthz --health-check-http-status-codes=200
  # k3s-api, tcp
  service 6443 --protocol=tcp --destination-port=6443 \
    --health-check-protocol=tcp --health-check-port=6443 --health-check-interval=10s \
    --health-check-timeout=5s --health-check-retries=3
  nothing_else

  # ---- lb-keybuzz-2
  balancer lb-keybuzz-2 lb11 nbg1 round_robin
  protected
  attached keybuzz 10.0.0.6
  public 138.199.132.240
  target k3s-master-01 10.0.0.100
  target k3s-master-02 10.0.0.101
  target k3s-master-03 10.0.0.102
  target k3s-worker-01 10.0.0.110
  target k3s-worker-02 10.0.0.111
  target k3s-worker-03 10.0.0.112
  target k3s-worker-04 10.0.0.113
  target k3s-worker-05 10.0.0.114
  # ingress, tcp
  service 80 --protocol=http --destination-port=31695 \
    --health-check-protocol=http --health-check-port=31695 --health-check-interval=10s \
    --health-check-timeout=5s --health-check-retries=3 \
    --health-check-http-path=/healthz --health-check-http-status-codes=200
  # ingress, tcp
  service 443 --protocol=https --destination-port=31695 --http-certificates=keybuzz-io \
    --health-check-protocol=http --health-check-port=31695 --health-check-interval=10s \
    --health-check-timeout=5s --health-check-retries=3 \
    --health-check-http-path=/healthz --health-check-http-status-codes=200
  # k3s-api, tcp
  service 6443 --protocol=tcp --destination-port=6443 \
    --health-check-protocol=tcp --health-check-port=6443 --health-check-interval=10s \
    --health-check-timeout=5s --health-check-retries=3
  nothing_else
}

lb_run load_balancers "$@"
