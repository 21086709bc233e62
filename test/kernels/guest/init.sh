#!/bin/sh
# The first process of the emulated machine: mounts what a container finds mounted, then becomes subreaper, which runs the
# scenes as its workload.
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs run /run
mount -t tmpfs tmp /tmp
mount -t cgroup2 cgroup /sys/fs/cgroup
cd /
# An emulated machine on a busy host is slow: test/helpers/proc.mjs.
export PATH=/bin:/usr/bin HOME=/tmp UNTIL_DEADLINE_MS=600000
# The console is the kernel's. What init logs is for the scenes to read.
exec </dev/null >/dev/console 2>/run/init.log
exec subreaper -v --grace 500ms -- node /scenes/guest/main.mjs
