#!/usr/bin/env bash
# Installs ground on its servers, step by step. Runs on the install host, from the rendered
# tree. A second run changes nothing.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # lib/fleet.sh reads them
root=/opt/orchard folder=02-ground
# shellcheck source=/dev/null
. "$here/../../lib/fleet.sh"
trap 'kb_failed "$?"' ERR

fleet_host ops root@172.20.8.5
fleet_host gate-1 root@172.20.8.10
fleet_host apple root@172.20.9.1
fleet_host pear root@172.20.9.2
fleet_host plum root@172.20.9.3
fleet_host shop root@172.20.10.1

fleet_arguments "$@"
fleet_reach
fleet_ship
fleet_step 02_os_01_packages parallel
fleet_step 02_os_02_time parallel
fleet_step 02_os_03_swap parallel
fleet_step 02_os_04_sysctl parallel
fleet_step 02_os_05_docker parallel
fleet_step 02_os_06_ssh parallel
fleet_step 02_os_06_ssh_confirm parallel
fleet_step 02_os_07_dns parallel
fleet_step 02_os_08_journald parallel
fleet_step 02_os_09_audit parallel
fleet_step 02_os_10_volume parallel
fleet_step 02_os_11_firewall parallel
fleet_step 02_os_12_firewall_confirm parallel
fleet_step 02_os_13_peer_names parallel
fleet_done
