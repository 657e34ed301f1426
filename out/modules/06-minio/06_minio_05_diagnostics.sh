#!/usr/bin/env bash
# What every node says about itself and the others, side by side. Changes nothing; fails when a node
# does not answer or is not healthy.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # lib/fleet.sh reads them
root=/opt/keybuzz-installer folder=06-minio
# shellcheck source=/dev/null
. "$here/../../lib/fleet.sh"
trap 'kb_failed "$?"' ERR

members=(
  "minio-02 root@10.0.0.131"
  "minio-03 root@10.0.0.132"
  "minio-01 root@10.0.0.134"
)

problems=0
for member in "${members[@]}"; do
  printf '\n== %s\n' "${member%% *}"
  if ! remote "${member#* }" /usr/local/sbin/minio-member report </dev/null; then
    echo "does not answer"
    problems=$((problems + 1))
  fi
done

printf '\n== all together\n'
for member in "${members[@]}"; do
  if remote "${member#* }" /usr/local/sbin/minio-member healthy </dev/null; then
    echo "${member%% *}: all nodes and drives serve"
  else
    echo "not healthy as ${member%% *} sees it"
    problems=$((problems + 1))
  fi
done
[ "$problems" -eq 0 ]
