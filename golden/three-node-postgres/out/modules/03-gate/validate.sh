#!/usr/bin/env bash
# Runs the validation of every proxy and shows each check that failed.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # lib/fleet.sh reads them
root=/opt/orchard folder=03-gate
# shellcheck source=/dev/null
. "$here/../../lib/fleet.sh"
trap 'kb_failed "$?"' ERR

fleet_host gate-1 root@172.20.8.10

fleet_arguments "$@"
fleet_reach
fleet_validate validate
