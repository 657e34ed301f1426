#!/usr/bin/env bash
# Installs ground on its servers, step by step. Runs on the install host, from the rendered
# tree. A second run changes nothing.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # lib/fleet.sh reads them
root=/opt/meridian folder=02-ground
# shellcheck source=/dev/null
. "$here/../../lib/fleet.sh"
trap 'kb_failed "$?"' ERR

fleet_host ops deploy@192.168.64.5
fleet_host gate-1 deploy@192.168.64.11
fleet_host gate-2 deploy@192.168.64.12
fleet_host door-1 deploy@192.168.64.21
fleet_host door-2 deploy@192.168.64.22
fleet_host mq-1 deploy@192.168.64.31
fleet_host mq-2 deploy@192.168.64.32
fleet_host mq-3 deploy@192.168.64.33
fleet_host mq-4 deploy@192.168.64.34
fleet_host mq-5 deploy@192.168.64.35
fleet_host jobs-1 deploy@192.168.64.41
fleet_host jobs-2 deploy@192.168.64.42
fleet_host jobs-3 deploy@192.168.64.43
fleet_host sess-1 deploy@192.168.64.51
fleet_host sess-2 deploy@192.168.64.52
fleet_host sess-3 deploy@192.168.64.53
fleet_host till-1 deploy@192.168.64.61
fleet_host till-2 deploy@192.168.64.62
fleet_host till-3 deploy@192.168.64.63
fleet_host web-1 deploy@192.168.64.71
fleet_host web-2 deploy@192.168.64.72

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
