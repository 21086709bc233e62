import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { actor, launcher } from './paths.mjs';

/** How init runs: both inside a PID namespace, so that no scenario reaches the machine's other processes. */
export const modes = ['pid1', 'subreaper'];

const MOST_PIDS = 4_194_304;
/** Of a machine's 32,768, where it has no more, two runs at once leave half to the others. */
const FEW_PIDS = 8192;
const unshareArguments = [
  ...(process.getuid?.() === 0 ? [] : ['--user', '--map-root-user']),
  ...['--pid', '--fork', '--kill-child', '--mount-proc'],
];
const pidMaxFile = '/proc/sys/kernel/pid_max';
const setPidMax = 'echo "$0" >/proc/sys/kernel/pid_max && exec "$@"';

/** Before Linux 6.14 there is one pid_max for all namespaces. */
export function hasOwnPidMax() {
  const [major, minor] = release().split('.').map(Number);
  return major > 6 || (major === 6 && minor >= 14);
}

export function machinePidMax() {
  return Number(readFileSync(pidMaxFile, 'latin1'));
}

/**
 * How many pids a namespace gets. Few, unless the run shall have room: a tree that outgrows init then fails its own run,
 * and no other process of the machine.
 */
export function pidMaxFor({ hasRoom }) {
  if (!hasOwnPidMax()) return undefined;
  return hasRoom ? MOST_PIDS : FEW_PIDS;
}

/** @returns a function that puts the old value back */
export function raiseMachinePidMax() {
  const before = machinePidMax();
  writeFileSync(pidMaxFile, `${MOST_PIDS}\n`);
  return () => writeFileSync(pidMaxFile, `${before}\n`);
}

/**
 * The command line of a run. unshare(1) is its first process, --kill-child ends the namespace with it, and the leash
 * ends it where the soak cannot.
 */
export function namespaceCommand({ mode, options, command, pidMax, leashS }) {
  const init = [launcher, ...options, '--', ...command];
  const first = mode === 'pid1' ? init : [actor, 'below', ...init];
  const inside = pidMax === undefined ? first : ['sh', '-c', setPidMax, String(pidMax), ...first];
  return [actor, 'leash', String(leashS), 'unshare', ...unshareArguments, '--', ...inside];
}

/** How many generations init is below unshare(1). */
export function generationsTo(mode) {
  return mode === 'pid1' ? 1 : 2;
}

/** Why no run can be made here; undefined if it can. */
export function whyNoNamespace(pidMax) {
  const inside = pidMax === undefined ? ['true'] : ['sh', '-c', setPidMax, String(pidMax), 'true'];
  const { error, status, stderr } = spawnSync('unshare', [...unshareArguments, '--', ...inside], {
    encoding: 'utf8',
  });
  if (error !== undefined) return `unshare(1) cannot be started: ${error.code}`;
  return status === 0 ? undefined : `no PID namespace can be made: ${stderr.trim()}`;
}
