#!/usr/bin/env bash
# Brings the members' image to this host: from a tar file beside its Dockerfile where there is no
# internet, else by building it. An image that is there and was built from this Dockerfile stays.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

image=registry.orchard.example:5000/db/patroni:16.4-3.3.6
context=/opt/orchard/images/patroni
label=kbgen.dockerfile

if [ ! -f "$context/Dockerfile" ]; then fail "$context/Dockerfile is not there"; fi
digest=$(sha256sum <"$context/Dockerfile" | cut -d ' ' -f 1)

if docker image inspect "$image" >/dev/null 2>&1; then
  built_from=$(docker image inspect --format "{{index .Config.Labels \"$label\"}}" "$image")
  # An image that was brought here ready-made carries no label, and its tag is what we go by.
  if [ -z "$built_from" ] || [ "$built_from" = "$digest" ]; then
    log "$image is there"
    exit 0
  fi
  log "the Dockerfile of $image has changed"
elif [ -f "$context/image.tar" ]; then
  log "loading $image from $context/image.tar"
  docker load --quiet --input "$context/image.tar"
  docker image inspect --format '{{.Id}}' "$image"
  exit 0
fi

log "building $image"
docker build --quiet --label "$label=$digest" --tag "$image" "$context"
