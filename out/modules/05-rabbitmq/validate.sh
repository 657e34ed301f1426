#!/usr/bin/env bash
# Runs the validation of every member and shows each check that failed.
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
fleet_validate validate
fleet_here 05_rmq_04_tests
fleet_here 05_rmq_05_integration_tests
