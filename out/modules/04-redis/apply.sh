#!/usr/bin/env bash
# Installs Redis and Sentinel on all members, step by step. A second run changes nothing.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # lib/fleet.sh reads them
root=/opt/keybuzz-installer folder=04-redis
# shellcheck source=/dev/null
. "$here/../../lib/fleet.sh"
trap 'kb_failed "$?"' ERR

fleet_host redis-01 root@10.0.0.123
fleet_host redis-02 root@10.0.0.124
fleet_host redis-03 root@10.0.0.125

fleet_arguments "$@"
fleet_reach
fleet_ship
fleet_step 04_redis_00_check_credentials parallel
fleet_step 04_redis_01_prepare_nodes parallel
fleet_step 04_redis_02_deploy_redis_cluster parallel
fleet_step 04_redis_03_deploy_sentinel parallel
fleet_step 04_redis_04_restart_members rolling
fleet_done
