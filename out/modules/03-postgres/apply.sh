#!/usr/bin/env bash
# Installs PostgreSQL on all its members, step by step. A second run changes nothing.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # lib/fleet.sh reads them
root=/opt/keybuzz-installer folder=03-postgres
# shellcheck source=/dev/null
. "$here/../../lib/fleet.sh"
trap 'kb_failed "$?"' ERR

fleet_host db-master-01 root@10.0.0.120
fleet_host db-slave-01 root@10.0.0.121
fleet_host db-slave-02 root@10.0.0.122

fleet_arguments "$@"
fleet_reach
fleet_ship
fleet_step 03_pg_00_check_credentials parallel
fleet_step 03_pg_01_prepare_nodes parallel
fleet_step 03_pg_01_build_image parallel
fleet_step 03_pg_02_install_patroni_cluster parallel
fleet_step 03_pg_02_configure_cluster first
fleet_step 03_pg_05_databases first
fleet_done
