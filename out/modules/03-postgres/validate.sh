#!/usr/bin/env bash
# Runs the validation of every member and shows each check that failed.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # lib/fleet.sh reads them
root=/opt/keybuzz-installer folder=03-postgres
# shellcheck source=/dev/null
. "$here/../../lib/fleet.sh"
trap 'kb_failed "$?"' ERR

fleet_host db-master-01 root@10.0.0.120
fleet_host db-slave-01 root@10.0.0.121
fleet_host db-slave-02 root@10.0.0.122

fleet_arguments "$@"
fleet_reach
fleet_validate validate
fleet_here 03_pg_06_diagnostics
