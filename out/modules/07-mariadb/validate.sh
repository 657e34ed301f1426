#!/usr/bin/env bash
# Runs the validation of every member and shows each check that failed.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # lib/fleet.sh reads them
root=/opt/keybuzz-installer folder=07-mariadb
# shellcheck source=/dev/null
. "$here/../../lib/fleet.sh"
trap 'kb_failed "$?"' ERR

fleet_host maria-01 root@10.0.0.170
fleet_host maria-02 root@10.0.0.171
fleet_host maria-03 root@10.0.0.172

fleet_arguments "$@"
fleet_reach
fleet_validate validate
fleet_here 07_maria_05_diagnostics
