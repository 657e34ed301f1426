#!/usr/bin/env bash
# Runs the validation of every proxy and shows each check that failed.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # lib/fleet.sh reads them
root=/opt/keybuzz-installer folder=08-proxysql
# shellcheck source=/dev/null
. "$here/../../lib/fleet.sh"
trap 'kb_failed "$?"' ERR

fleet_host proxysql-01 root@10.0.0.173
fleet_host proxysql-02 root@10.0.0.174

fleet_arguments "$@"
fleet_reach
fleet_validate validate
fleet_here 08_proxysql_06_diagnostics
