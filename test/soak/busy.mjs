import { spawn } from 'node:child_process';
import { actor } from './paths.mjs';

/**
 * Starts busy loops, which end by themselves after a time.
 * @returns a function that ends them before
 */
export function startBusyLoops(count, leashS) {
  const args = ['leash', `${leashS}`, 'sh', '-c', 'while :; do :; done'];
  const loops = Array.from({ length: count }, () => spawn(actor, args, { detached: true, stdio: 'ignore' }));
  return () => {
    for (const loop of loops) loop.kill('SIGKILL');
  };
}
