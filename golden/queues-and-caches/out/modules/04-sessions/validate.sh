#!/usr/bin/env bash
# Runs the validation of every member and shows each check that failed.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # lib/fleet.sh reads them
root=/opt/meridian folder=04-sessions
# shellcheck source=/dev/null
. "$here/../../lib/fleet.sh"
trap 'kb_failed "$?"' ERR

fleet_host sess-1 deploy@192.168.64.51
fleet_host sess-2 deploy@192.168.64.52
fleet_host sess-3 deploy@192.168.64.53

fleet_arguments "$@"
fleet_reach
fleet_validate validate
fleet_here 04_redis_06_diagnostics
