// The PID namespaces of the tests, the benchmarks and the examples. In JavaScript, because node 20 runs the last two
// without a build.
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

// When unshare(1) dies, so do all processes of its namespace.
const asRoot = ['--pid', '--fork', '--mount-proc', '--kill-child'];
const attempts = [asRoot, ['--user', '--map-root-user', ...asRoot]].map((args) => ({
  args,
  ...spawnSync('unshare', [...args, 'true'], { encoding: 'utf8' }),
}));

/**
 * The arguments with which unshare(1) makes a PID namespace here; undefined if it cannot.
 * @type {readonly string[] | undefined}
 */
export const unshareArguments = attempts.find(({ status }) => status === 0)?.args;

/** @returns {string | undefined} why no PID namespace can be made here; undefined if one can */
export function namespaceObstacle() {
  if (unshareArguments !== undefined) return undefined;
  const [{ error, stderr, status }] = attempts;
  if (error !== undefined) return `unshare (util-linux) cannot be started: ${error.message}`;
  return stderr.split('\n')[0].replace(/^unshare: /, '') || `unshare ended with ${status}`;
}

/** What stands before a command so that /proc tells it nothing, or of other processes: their numbers are those of its own. */
export const blindly = {
  'is missing': [
    ...['unshare', ...(unshareArguments?.includes('--user') ? ['--user', '--map-root-user'] : []), '--mount'],
    ...['sh', '-c', 'mount -t tmpfs none /proc && exec "$@"', 'sh'],
  ],
  // node is not PID 1 there.
  'shows another PID namespace': [
    ...['unshare', ...(unshareArguments ?? []).filter((argument) => argument !== '--mount-proc')],
    ...['sh', '-c', '"$@"; exit', 'sh'],
  ],
};

/** What stands before a command in a namespace, so that the command is PID 1, or the child of a shell that is. */
export const places = { 'as PID 1': [], 'not as PID 1': ['sh', '-c', '"$@"; exit', 'sh'] };

/**
 * Starts a command as PID 1 of a namespace, which ends with this process.
 * @param {readonly string[]} command
 * @param {import('node:child_process').SpawnOptions} options
 * @returns {import('node:child_process').ChildProcess} unshare: PID 1 is its only child, and dies with it
 */
export function startInNamespace(command, options = {}) {
  const child = spawn('unshare', [...(unshareArguments ?? []), ...command], {
    ...options,
    // In a session of its own it has no terminal, and Ctrl-C reaches this process alone.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    killSignal: 'SIGKILL',
  });
  const end = () => child.kill('SIGKILL');
  // Before other listeners, which may remove the files that it uses.
  process.prependOnceListener('exit', end);
  child.once('close', () => process.off('exit', end));
  return child;
}

const pidMaxFile = '/proc/sys/kernel/pid_max';
/** The largest kernel.pid_max that the kernel allows. */
export const MOST_PIDS = 4_194_304;

/** kernel.pid_max of the machine. */
export function machinePidMax() {
  return Number(readFileSync(pidMaxFile, 'latin1'));
}

/** Raises kernel.pid_max of the machine, as root. @returns a function that restores the old value */
export function raiseMachinePidMax() {
  const before = machinePidMax();
  const restore = () => {
    process.off('exit', restore);
    writeFileSync(pidMaxFile, `${before}`);
  };
  writeFileSync(pidMaxFile, `${MOST_PIDS}`);
  process.once('exit', restore);
  return restore;
}
