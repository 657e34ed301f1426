#!/usr/bin/env bash
# Installs the proxies and makes what runs as rendered, one after the other. A second run changes nothing.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # lib/fleet.sh reads them
root=/opt/meridian folder=08-door
# shellcheck source=/dev/null
. "$here/../../lib/fleet.sh"
trap 'kb_failed "$?"' ERR

fleet_host door-1 deploy@192.168.64.21
fleet_host door-2 deploy@192.168.64.22

fleet_arguments "$@"
fleet_reach
fleet_ship
fleet_step 08_proxysql_00_check_credentials parallel
fleet_step 07_maria_03_install_proxysql rolling
fleet_step 08_proxysql_02_apply_config rolling
fleet_step 08_proxysql_04_monitoring_setup parallel
fleet_done
