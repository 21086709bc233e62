import { closeSync } from 'node:fs';
import { type Inherited, inheritedFromThree } from './inherited.ts';

/**
 * Lets go of the workload's resources. Closes init's copies of its descriptors, so that a pipe's reader sees the end when
 * the workload closes it. Leaves its directory, if it could not do so before the workload ran, so that it can be removed
 * or unmounted.
 */
export function letGo(inherited: Inherited): void {
  process.chdir('/');
  for (const descriptor of inheritedFromThree(inherited)) {
    try {
      closeSync(descriptor);
    } catch {
      // EIO from a network file system, say. The descriptor is closed all the same, close(2).
    }
  }
}
