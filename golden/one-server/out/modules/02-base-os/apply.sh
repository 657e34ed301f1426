#!/usr/bin/env bash
# Installs base-os on its servers, step by step. Runs on the install host, from the rendered
# tree. A second run changes nothing.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # lib/fleet.sh reads them
root=/srv/kbgen folder=02-base-os
# shellcheck source=/dev/null
. "$here/../../lib/fleet.sh"
trap 'kb_failed "$?"' ERR

fleet_host solo admin@192.168.7.2

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
