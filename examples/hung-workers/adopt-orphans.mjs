// Where there is no PID namespace: makes the primary a child subreaper, so that the kernel gives it orphans as it does to
// PID 1. prctl(2), PR_SET_CHILD_SUBREAPER

import cluster from 'node:cluster';
import koffi from 'koffi';

const PR_SET_CHILD_SUBREAPER = 36;

if (cluster.isPrimary) {
  const prctl = koffi.load(null).func('int prctl(int, ulong, ulong, ulong, ulong)');
  if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) !== 0) throw new Error('prctl: no child subreaper');
}
