#!/usr/bin/env bash
# Runs the validation of every member and shows each check that failed.
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
fleet_validate validate
fleet_here 05_rmq_04_tests
fleet_here 05_rmq_05_integration_tests
