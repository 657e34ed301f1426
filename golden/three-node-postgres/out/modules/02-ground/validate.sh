#!/usr/bin/env bash
# Checks what is in effect on every server of ground. Changes nothing.
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
fleet_validate validate
