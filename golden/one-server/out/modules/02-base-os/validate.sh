#!/usr/bin/env bash
# Checks what is in effect on every server of base-os. Changes nothing.
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
fleet_validate validate
