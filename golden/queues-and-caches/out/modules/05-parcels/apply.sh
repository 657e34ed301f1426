#!/usr/bin/env bash
# Installs RabbitMQ on all its members, step by step. A second run changes nothing.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # lib/fleet.sh reads them
root=/opt/meridian folder=05-parcels
# shellcheck source=/dev/null
. "$here/../../lib/fleet.sh"
trap 'kb_failed "$?"' ERR

fleet_host mq-1 deploy@192.168.64.31
fleet_host mq-2 deploy@192.168.64.32
fleet_host mq-3 deploy@192.168.64.33
fleet_host mq-4 deploy@192.168.64.34
fleet_host mq-5 deploy@192.168.64.35

fleet_arguments "$@"
fleet_reach
fleet_ship
fleet_step 05_rmq_00_check_credentials parallel
fleet_step 05_rmq_01_prepare_nodes parallel
fleet_here 05_rmq_01_check_cluster
fleet_step 05_rmq_02_deploy_cluster rolling
fleet_step 05_rmq_03_definitions first
fleet_done
