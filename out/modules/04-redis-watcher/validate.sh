#!/usr/bin/env bash
# Runs the validation of every watcher and shows each check that failed.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # lib/fleet.sh reads them
root=/opt/keybuzz-installer folder=04-redis-watcher
# shellcheck source=/dev/null
. "$here/../../lib/fleet.sh"
trap 'kb_failed "$?"' ERR

fleet_host haproxy-01 root@10.0.0.11
fleet_host haproxy-02 root@10.0.0.12

fleet_arguments "$@"
fleet_reach
fleet_validate validate
