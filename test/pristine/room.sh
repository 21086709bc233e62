#!/bin/sh
# PID 1 of a room: mounts what a machine has, then runs a script there as a user.
# Usage: room.sh DEBIAN CHANGES UID SCRIPT
set -eu
debian=$1 changes=$2 user=$3 script=$4
root=$changes/root

mkdir -p "$changes/upper" "$changes/work" "$root"
mount -t overlay -o "lowerdir=$debian,upperdir=$changes/upper,workdir=$changes/work" none "$root"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
# cgroup v2, as current distributions have it; where it cannot be mounted there is no cgroup at all.
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup" || true
mount -t tmpfs -o mode=755 none "$root/dev"
for device in null zero full random urandom tty; do
  : >"$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777 none "$root/dev/shm"
mount -t tmpfs -o mode=1777 none "$root/tmp"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
for name in stdin:0 stdout:1 stderr:2; do ln -s "/proc/self/fd/${name#*:}" "$root/dev/${name%:*}"; done

cd "$root"
if [ "$user" = 0 ]; then
  mkdir -p .before
  pivot_root . .before
  umount -l /.before
  set -- chroot . sh -c "$script"
else
  # In a chroot, nobody may make a user namespace: user_namespaces(7).
  set -- chroot . setpriv --reuid="$user" --regid="$user" --init-groups --inh-caps=-all sh -c "$script"
fi
# The shell stays PID 1, and reaps: what runs below it is not an init by accident.
"$@"
