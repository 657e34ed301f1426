#!/usr/bin/env bash
# Installs the pools, one after the other. A second run changes nothing.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # lib/fleet.sh reads them
root=/opt/orchard folder=03-pool
# shellcheck source=/dev/null
. "$here/../../lib/fleet.sh"
trap 'kb_failed "$?"' ERR

fleet_host gate-1 root@172.20.8.10

fleet_arguments "$@"
fleet_reach
fleet_ship
fleet_step 03_pg_04_install_pgbouncer rolling
fleet_done
