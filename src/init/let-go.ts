import { closeSync } from 'node:fs';
import { type Inherited, inheritedFromThree } from './inherited.ts';

/**
 * Lets go of what is the workload's: closes init's copies of its descriptors, so that a pipe's reader sees the end once
 * the workload is done with it, and leaves its directory, so that it can be removed or unmounted.
 */
export function letGo(inherited: Inherited): void {
  process.chdir('/');
  for (const descriptor of inheritedFromThree(inherited)) {
    try {
      closeSync(descriptor);
    } catch {
      // EIO of a network file system, say: it is closed all the same, close(2).
    }
  }
}
