#!/usr/bin/env bash
# host.sh SCRATCH NAME [systemd]: becomes the init of a server of its own: network, host name, processes, and
# a root where everything can be written without writing anything. stage.py starts it inside unshare, which
# has made the namespaces; what runs there ends with it. What is below SCRATCH/upper and SCRATCH/docker
# outlives it, as a disk does.
set -Eeuo pipefail

scratch=$1 name=$2 init=${3:-}
mount --make-rprivate /
mkdir -p "$scratch/upper" "$scratch/work" "$scratch/root" "$scratch/docker"
mount -t overlay overlay -o "lowerdir=/,upperdir=$scratch/upper,workdir=$scratch/work" "$scratch/root"
cd "$scratch/root"

mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t tmpfs -o mode=0755 dev dev
for device in null zero full random urandom tty; do
  : >"dev/$device"
  mount --bind "/dev/$device" "dev/$device"
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts dev/pts
mount -t tmpfs -o mode=1777 shm dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
for number in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/${number%:*}" "dev/${number#*:}"; done
mount -t tmpfs -o mode=0755 run run
mount -t tmpfs -o mode=1777 tmp tmp
mount -t tmpfs -o mode=0755 log var/log

hostname "$name"
printf '%s\n' "$name" >etc/hostname
printf '127.0.0.1 localhost\n' >etc/hosts
ip link set lo up

if [ "$init" = systemd ]; then
  mount -t cgroup2 cgroup2 sys/fs/cgroup
  for folder in docker containerd; do
    mkdir -p "var/lib/$folder" "$scratch/docker/$folder"
    mount --bind "$scratch/docker/$folder" "var/lib/$folder"
  done
  # What this machine mounts and has enabled is no business of the estate's. Done once: the server keeps its own.
  if [ ! -e etc/systemd/system/stage.target ]; then
    : >etc/fstab
    rm -rf etc/systemd/system
    mkdir -p etc/systemd/system
    : >etc/machine-id
    cat >etc/systemd/system/stage.target <<'TARGET'
[Unit]
Description=A server of the stage
Requires=basic.target docker.service
Wants=multi-user.target
After=basic.target docker.service
AllowIsolate=yes
TARGET
    # In place of the distribution's, which wants more than that.
    cat >etc/systemd/system/multi-user.target <<'TARGET'
[Unit]
Description=What the estate has enabled
Requires=basic.target
After=basic.target
TARGET
  fi
fi

mkdir -p run/old
pivot_root . run/old
umount -l /run/old
rmdir /run/old

if [ "$init" = systemd ]; then
  exec env -i container=stage PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --unit=stage.target --log-target=console --show-status=no
fi
# Children that nobody waits for are reaped by the kernel.
trap '' CHLD
: >/run/stage-ready
exec sleep infinity
