#!/usr/bin/env bash
# Installs RabbitMQ on all its members, step by step. A second run changes nothing.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # lib/fleet.sh reads them
root=/opt/keybuzz-installer folder=05-rabbitmq
# shellcheck source=/dev/null
. "$here/../../lib/fleet.sh"
trap 'kb_failed "$?"' ERR

fleet_host queue-01 root@10.0.0.126
fleet_host queue-02 root@10.0.0.127
fleet_host queue-03 root@10.0.0.128

fleet_arguments "$@"
fleet_reach
fleet_ship
fleet_step 05_rmq_00_check_credentials parallel
fleet_step 05_rmq_01_prepare_nodes parallel
fleet_here 05_rmq_01_check_cluster
fleet_step 05_rmq_02_deploy_cluster rolling
fleet_step 05_rmq_03_definitions first
fleet_done
