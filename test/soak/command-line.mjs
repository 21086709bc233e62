import { release } from 'node:os';
import { MOST_PIDS, unshareArguments } from '../helpers/namespace.mjs';
import { actor, launcher } from './paths.mjs';

/** How init runs: both inside a PID namespace, so that no scenario reaches the machine's other processes. */
export const modes = ['pid1', 'subreaper'];

/** Of a machine's 32,768, where it has no more, two runs at once leave half to the others. */
const FEW_PIDS = 8192;
const setPidMax = 'echo "$0" >/proc/sys/kernel/pid_max && exec "$@"';

/** Before Linux 6.14 there is one pid_max for all namespaces. */
export function hasOwnPidMax() {
  const [major, minor] = release().split('.').map(Number);
  return major > 6 || (major === 6 && minor >= 14);
}

/**
 * The command line of a run. unshare(1) is its first process, the namespace ends with it, and the leash ends it where
 * the soak cannot. The namespace gets few pids, unless the run shall have room: a tree that outgrows init then fails its
 * own run, and no other process of the machine.
 */
export function commandLine({ mode, options, command, hasRoom, leashS }) {
  const init = [launcher, ...options, '--', ...command];
  const first = mode === 'pid1' ? init : [actor, 'below', ...init];
  const pidMax = `${hasRoom ? MOST_PIDS : FEW_PIDS}`;
  const inside = hasOwnPidMax() ? ['sh', '-c', setPidMax, pidMax, ...first] : first;
  return [actor, 'leash', `${leashS}`, 'unshare', ...unshareArguments, '--', ...inside];
}

/** How many generations init is below unshare(1). */
export function generationsTo(mode) {
  return mode === 'pid1' ? 1 : 2;
}
