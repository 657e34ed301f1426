#!/usr/bin/env bash
# Installs MariaDB on all its members, step by step. A second run changes nothing.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # lib/fleet.sh reads them
root=/opt/keybuzz-installer folder=07-mariadb
# shellcheck source=/dev/null
. "$here/../../lib/fleet.sh"
trap 'kb_failed "$?"' ERR

fleet_host maria-01 root@10.0.0.170
fleet_host maria-02 root@10.0.0.171
fleet_host maria-03 root@10.0.0.172

fleet_arguments "$@"
fleet_reach
fleet_ship
fleet_step 07_maria_00_check_credentials parallel
fleet_step 07_maria_01_prepare_nodes parallel
fleet_step 07_maria_02_install_members parallel
fleet_here 07_maria_02_bootstrap
fleet_step 07_maria_02_deploy_galera rolling
fleet_step 07_maria_03_databases first
fleet_step 07_maria_04_monitoring parallel
fleet_done
