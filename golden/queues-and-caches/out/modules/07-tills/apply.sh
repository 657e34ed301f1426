#!/usr/bin/env bash
# Installs MariaDB on all its members, step by step. A second run changes nothing.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # lib/fleet.sh reads them
root=/opt/meridian folder=07-tills
# shellcheck source=/dev/null
. "$here/../../lib/fleet.sh"
trap 'kb_failed "$?"' ERR

fleet_host till-1 deploy@192.168.64.61
fleet_host till-2 deploy@192.168.64.62
fleet_host till-3 deploy@192.168.64.63

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
