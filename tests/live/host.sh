#!/usr/bin/env bash
# host.sh SCRATCH NAME: becomes the init of a server of its own: network, host name, processes, and a
# root where everything can be written without writing anything. stage.py starts it inside unshare,
# which has made the namespaces; what it runs there ends with it.
set -Eeuo pipefail

scratch=$1 name=$2
mount --make-rprivate /
mkdir -p "$scratch/upper" "$scratch/work" "$scratch/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$scratch/upper,workdir=$scratch/work" "$scratch/root"
cd "$scratch/root"

mount -t proc proc proc
mount --rbind /sys sys
mount --rbind /dev dev
mount -t tmpfs -o mode=1777 shm dev/shm
mount -t tmpfs -o mode=0755 run run
mount -t tmpfs -o mode=1777 tmp tmp
mount -t tmpfs -o mode=0755 log var/log

hostname "$name"
printf '%s\n' "$name" >etc/hostname
printf '127.0.0.1 localhost\n' >etc/hosts
ip link set lo up

mkdir -p run/old
pivot_root . run/old
umount -l /run/old
rmdir /run/old
: >/run/stage-ready

# Children that nobody waits for are reaped by the kernel.
trap '' CHLD
exec sleep infinity
