#!/usr/bin/env bash
# Installs MinIO on all its nodes, step by step. A second run changes nothing.
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
fleet_ship
fleet_step 06_minio_00_check_credentials parallel
fleet_step 06_minio_01_prepare_nodes parallel
fleet_here 06_minio_01_check_topology
fleet_step 06_minio_01_deploy_minio_distributed parallel
fleet_step 06_minio_03_configure_client parallel
fleet_step 06_minio_03_buckets first
fleet_done
