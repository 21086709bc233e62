#!/bin/sh
# Leaves an orphan that ends, and one that runs on in a session of its own. It can be made to hang.
(true &)
setsid sleep 1000 &
[ ! -e /dev/shm/hang ] || {
  trap '' TERM
  sleep 1000
}
