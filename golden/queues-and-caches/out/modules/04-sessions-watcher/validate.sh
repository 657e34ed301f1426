#!/usr/bin/env bash
# Runs the validation of every watcher and shows each check that failed.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # lib/fleet.sh reads them
root=/opt/meridian folder=04-sessions-watcher
# shellcheck source=/dev/null
. "$here/../../lib/fleet.sh"
trap 'kb_failed "$?"' ERR

fleet_host gate-1 deploy@192.168.64.11
fleet_host gate-2 deploy@192.168.64.12

fleet_arguments "$@"
fleet_reach
fleet_validate validate
