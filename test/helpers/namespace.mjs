// The PID namespaces of the tests, the benchmarks and the examples. Plain JavaScript: node 20 runs the last two as they are.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

// The end of unshare(1) is the end of all that runs in its namespace.
const asRoot = ['--pid', '--fork', '--mount-proc', '--kill-child'];
const attempts = [asRoot, ['--user', '--map-root-user', ...asRoot]].map((args) => ({
  args,
  ...spawnSync('unshare', [...args, 'true'], { encoding: 'utf8' }),
}));

/**
 * The arguments with which unshare(1) makes a PID namespace here; undefined where it cannot.
 * @type {readonly string[] | undefined}
 */
export const unshareArguments = attempts.find(({ status }) => status === 0)?.args;

/** @returns {string | undefined} why no PID namespace can be made here, if none can */
export function namespaceObstacle() {
  if (unshareArguments !== undefined) return undefined;
  const [{ error, stderr, status }] = attempts;
  if (error !== undefined) return `unshare (util-linux) cannot be started: ${error.message}`;
  return stderr.split('\n')[0].replace(/^unshare: /, '') || `unshare ended with ${status}`;
}

const pidMaxFile = '/proc/sys/kernel/pid_max';
/** The most that the kernel allows. */
export const MOST_PIDS = 4_194_304;

/** How many pids the machine has. */
export function machinePidMax() {
  return Number(readFileSync(pidMaxFile, 'latin1'));
}

/** Raises kernel.pid_max of the machine, as root. @returns a function that puts the old value back */
export function raiseMachinePidMax() {
  const before = machinePidMax();
  const restore = () => {
    process.off('exit', restore);
    writeFileSync(pidMaxFile, `${before}`);
  };
  process.once('exit', restore);
  writeFileSync(pidMaxFile, `${MOST_PIDS}`);
  return restore;
}
