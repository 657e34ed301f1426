#!/usr/bin/env bash
# Runs the validation of every member and shows each check that failed.
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
fleet_validate validate
fleet_here 07_maria_05_diagnostics
