#!/usr/bin/env bash
# Takes the node off this host: cleanup.sh --yes=<topology>/<service> [--delete-data=<server>].
# Credentials stay. Without the second argument the drive stays as it is, and installing again goes on
# where it was; with it the drive is emptied, and the others have one share less of every object.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

server=minio-01
data_dir=/opt/keybuzz/minio/data
wanted=--yes=keybuzz/minio
delete=--delete-data=$server

if [ "${1:-}" != "$wanted" ]; then
  fail "this stops MinIO on $server and takes it out of service; if that is meant: $0 $wanted"
fi
if [ "$#" -gt 2 ] || { [ -n "${2:-}" ] && [ "$2" != "$delete" ]; }; then
  fail "to delete what MinIO holds on $server as well: $0 $wanted $delete"
fi

# First, so that installing again begins at the beginning even when this does not come to its end.
rm -rf -- /opt/keybuzz-installer/state/receipts/06-minio

unit=minio-docker.service
if unit_exists "$unit"; then
  log "stopping $unit"
  systemctl disable --now "$unit"
fi
if docker container inspect minio >/dev/null 2>&1; then docker rm --force minio; fi

remove_file /etc/minio/minio.env
remove_file /etc/minio/mc.env
remove_file /etc/minio/policies.json
remove_file /etc/minio/lifecycle.json
remove_file /etc/minio/role-secrets
remove_file /etc/systemd/system/minio-docker.service
remove_file /usr/local/sbin/minio-member
remove_file /etc/minio/drill-client.sh
systemctl daemon-reload

if [ "${2:-}" != "$delete" ]; then
  log "the drive stays as it is: $data_dir"
  exit 0
fi
if [ -d "$data_dir" ]; then find "$data_dir" -xdev -mindepth 1 ! -path "$data_dir/lost+found*" -delete; fi
remove_file /var/lib/minio/identity
log "$data_dir is empty"
