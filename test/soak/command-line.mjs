import { release } from 'node:os';
import { MOST_PIDS, unshareArguments } from '../helpers/namespace.mjs';
import { actor, launcher } from './paths.mjs';

/** How init runs. Both modes use a PID namespace, so that no scenario reaches other processes of the machine. */
export const modes = ['pid1', 'subreaper'];

/** Two runs at once leave half of the usual 32,768 pids to other processes. */
const FEW_PIDS = 8192;
const setPidMax = 'echo "$0" >/proc/sys/kernel/pid_max && exec "$@"';

/** Before Linux 6.14 there is one pid_max for all namespaces. */
export function hasOwnPidMax() {
  const [major, minor] = release().split('.').map(Number);
  return major > 6 || (major === 6 && minor >= 14);
}

/**
 * The command line of a run. unshare(1) is its first process, and the namespace ends with it. If the soak cannot end it,
 * the leash does. Unless the run asks for room, the namespace has few pids: a tree that outgrows init then fails only its
 * own run, and harms no other process.
 */
export function commandLine({ mode, launch = [launcher], options, command, hasRoom, leashS }) {
  const init = [...launch, ...options, '--', ...command];
  const first = mode === 'pid1' ? init : [actor, 'below', ...init];
  const pidMax = `${hasRoom ? MOST_PIDS : FEW_PIDS}`;
  const inside = hasOwnPidMax() ? ['sh', '-c', setPidMax, pidMax, ...first] : first;
  return [actor, 'leash', `${leashS}`, 'unshare', ...unshareArguments, '--', ...inside];
}

/** How many generations below unshare(1) init is. */
export function generationsTo(mode) {
  return mode === 'pid1' ? 1 : 2;
}
