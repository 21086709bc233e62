#!/bin/sh
# PID 1 of a container: mounts its root folder, then becomes a command, which enters it.
# Usage: enter.sh FOLDER LAYERS ro|rw COMMAND [ARGUMENT...]
set -eu
folder=$1 layers=$2 access=$3
shift 3
root=$folder/root

umask 022
mkdir -p "$folder/upper" "$folder/work" "$root"
mount -t overlay -o "lowerdir=$layers,upperdir=$folder/upper,workdir=$folder/work" none "$root"
mkdir -p "$root/proc" "$root/dev"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=755 none "$root/dev"
for device in null zero full random urandom; do
  : >"$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
if [ "$access" = ro ]; then mount -o remount,ro,bind "$root"; fi
exec "$@"
