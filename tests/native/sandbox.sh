#!/usr/bin/env bash
# sandbox.sh SCRATCH ADDRESS,ADDRESS... COMMAND...: runs COMMAND as root of a machine of its own: no
# network but a loopback that has the addresses, an /etc and a /var/log that can be changed without
# changing anything, an empty /run. Whatever COMMAND leaves running ends with it.
set -Eeuo pipefail

if [ -z "${KBGEN_SANDBOX:-}" ]; then
  KBGEN_SANDBOX=1 exec unshare --net --mount --pid --fork --kill-child --mount-proc -- \
    "${BASH_SOURCE[0]}" "$@"
fi

scratch=$1 addresses=$2
shift 2
mount --make-rprivate /
# A file system of its own, because an overlay does not lie on an overlay.
mkdir -p "$scratch/layers"
mount -t tmpfs layers "$scratch/layers"
mkdir "$scratch/layers/upper" "$scratch/layers/work"
mount -t overlay overlay \
  -o "lowerdir=/etc,upperdir=$scratch/layers/upper,workdir=$scratch/layers/work" /etc
mount -t tmpfs -o mode=0755 run /run
mount -t tmpfs -o mode=0755 log /var/log

ip link set lo up
IFS=, read -r -a each <<<"$addresses"
for address in "${each[@]}"; do ip address add "$address/32" dev lo; done

# Not exec: the process with id 1 would ignore the signals that end a daemon.
"$@"
