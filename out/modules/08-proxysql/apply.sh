#!/usr/bin/env bash
# Installs the proxies and makes what runs as rendered, one after the other. A second run changes nothing.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # lib/fleet.sh reads them
root=/opt/keybuzz-installer folder=08-proxysql
# shellcheck source=/dev/null
. "$here/../../lib/fleet.sh"
trap 'kb_failed "$?"' ERR

fleet_host proxysql-01 root@10.0.0.173
fleet_host proxysql-02 root@10.0.0.174

fleet_arguments "$@"
fleet_reach
fleet_ship
fleet_step 08_proxysql_00_check_credentials parallel
fleet_step 07_maria_03_install_proxysql rolling
fleet_step 08_proxysql_02_apply_config rolling
fleet_step 08_proxysql_04_monitoring_setup parallel
fleet_done
