#!/usr/bin/env bash
# Runs the validation of every member and shows each check that failed.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # lib/fleet.sh reads them
root=/opt/keybuzz-installer folder=04-redis
# shellcheck source=/dev/null
. "$here/../../lib/fleet.sh"
trap 'kb_failed "$?"' ERR

fleet_host redis-01 root@10.0.0.123
fleet_host redis-02 root@10.0.0.124
fleet_host redis-03 root@10.0.0.125

fleet_arguments "$@"
fleet_reach
fleet_validate validate
fleet_here 04_redis_06_diagnostics
