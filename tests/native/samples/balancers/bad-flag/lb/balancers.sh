#!/usr/bin/env bash
kb_root=/nonexistent
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
. "$here/hcloud.sh"

load_balancers() {
  balancer sample-entry lb11 nbg1 round_robin
  protected
  attached sample 10.1.0.5
  public 203.0.113.9
  target proxy-1 10.1.0.21
  service 443 --protocol=https --destination-port=6432 --http-certificates=sample \
    --health-check-protocol=http --health-check-port=6432 --health-check-interval=10s \
    --health-check-timeout=5s --health-check-retries=2 \
    --health-check-path=/up --health-check-http-status-codes='2??,3??'
  service 6432 --protocol=tcp --destination-port=6432 \
    --health-check-protocol=tcp --health-check-port=6432 --health-check-interval=3s \
    --health-check-timeout=2s --health-check-retries=3
  nothing_else
}

lb_run load_balancers "$@"
