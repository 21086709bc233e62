import { spawn } from 'node:child_process';
import { actor } from './paths.mjs';

/**
 * Starts processes that take all the processor time they get, for at most so long.
 * @returns a function that ends them
 */
export function startBusyLoops(count, leashS) {
  const args = ['leash', `${leashS}`, 'sh', '-c', 'while :; do :; done'];
  const loops = Array.from({ length: count }, () => spawn(actor, args, { detached: true, stdio: 'ignore' }));
  return () => {
    for (const loop of loops) loop.kill('SIGKILL');
  };
}
