// The PID namespaces of the tests, the benchmarks and the examples. Plain JavaScript: node 20 runs the last two as they are.
import { spawnSync } from 'node:child_process';

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
