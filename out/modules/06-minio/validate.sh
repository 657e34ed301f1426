#!/usr/bin/env bash
# Runs the validation of every node and shows each check that failed.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # lib/fleet.sh reads them
root=/opt/keybuzz-installer folder=06-minio
# shellcheck source=/dev/null
. "$here/../../lib/fleet.sh"
trap 'kb_failed "$?"' ERR

fleet_host minio-02 root@10.0.0.131
fleet_host minio-03 root@10.0.0.132
fleet_host minio-01 root@10.0.0.134

fleet_arguments "$@"
fleet_reach
fleet_validate validate
fleet_validate 06_minio_04_tests
fleet_here 06_minio_05_diagnostics
