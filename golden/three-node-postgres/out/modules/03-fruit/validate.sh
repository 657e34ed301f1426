#!/usr/bin/env bash
# Runs the validation of every member and shows each check that failed.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # lib/fleet.sh reads them
root=/opt/orchard folder=03-fruit
# shellcheck source=/dev/null
. "$here/../../lib/fleet.sh"
trap 'kb_failed "$?"' ERR

fleet_host apple root@172.20.9.1
fleet_host pear root@172.20.9.2
fleet_host plum root@172.20.9.3

fleet_arguments "$@"
fleet_reach
fleet_validate validate
fleet_here 03_pg_06_diagnostics
