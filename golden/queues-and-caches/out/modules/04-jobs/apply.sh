#!/usr/bin/env bash
# Installs Redis and Sentinel on all members, step by step. A second run changes nothing.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # lib/fleet.sh reads them
root=/opt/meridian folder=04-jobs
# shellcheck source=/dev/null
. "$here/../../lib/fleet.sh"
trap 'kb_failed "$?"' ERR

fleet_host jobs-1 deploy@192.168.64.41
fleet_host jobs-2 deploy@192.168.64.42
fleet_host jobs-3 deploy@192.168.64.43

fleet_arguments "$@"
fleet_reach
fleet_ship
fleet_step 04_redis_00_check_credentials parallel
fleet_step 04_redis_01_prepare_nodes parallel
fleet_step 04_redis_02_deploy_redis_cluster parallel
fleet_step 04_redis_03_deploy_sentinel parallel
fleet_step 04_redis_04_restart_members rolling
fleet_done
