import { setImmediate } from '../native/timers.ts';
import type { Pid } from '../native/types.ts';
import { peekEnded } from '../native/wait.ts';

/** How many orphans one turn of the event loop reaps. The app does its own work between two batches. */
const BATCH = 256;

export interface OrphanLoop {
  /**
   * Reaps in the next check phase of the event loop. Call it from the poll phase, on SIGCHLD say: libuv has then waited
   * for its own children.
   */
  wake(): void;
  /** Reaps at once. */
  reapNow(): void;
  /** Reaps nothing more, even if `wake` was called before. */
  stop(): void;
}

/** Whether something else in this process waits for the child. Valid until the app runs again. */
export type IsOwned = (pid: Pid) => boolean;

interface OrphanLoopParts {
  /** Finds out which children libuv or a native addon waits for. Must not throw. */
  readonly snapshotOwners: () => IsOwned;
  readonly listChildren: () => readonly Pid[];
  /** Waits for a child without blocking. @returns false if it still runs */
  readonly reap: (pid: Pid) => boolean;
}

/**
 * Reaps the children that nothing else in this process waits for, and leaves the others alone. It finds an ended child
 * without taking its status: wait4(-1) would take the status of a child that libuv is about to wait for.
 */
export function createOrphanLoop({ snapshotOwners, listChildren, reap }: OrphanLoopParts): OrphanLoop {
  let isAwake = false;
  let isStopped = false;

  function wake(): void {
    if (isAwake) return;
    isAwake = true;
    // Unreferenced: it runs right after the poll phase and delays nothing, and an idle app may end before it.
    setImmediate(reapNow).unref();
  }

  function reapNow(): void {
    isAwake = false;
    if (isStopped || reapBatch()) return;
    isAwake = true;
    // Referenced, or the loop could block before this runs. It keeps the loop alive only while there are zombies.
    setImmediate(reapNow);
  }

  /** @returns whether all zombies that are left belong to others */
  function reapBatch(): boolean {
    let isOwned: IsOwned | undefined;
    for (let peeks = 0; peeks < BATCH; peeks++) {
      const pid = peekEnded();
      if (pid === 'nothing-yet' || pid === 'no-children') return true;
      // Only once there is a zombie. Usually there is none, since libuv has waited for its own children.
      isOwned ??= snapshotOwners();
      // The kernel only shows the first zombie. One with an owner hides those behind it until its owner reaps it.
      if (isOwned(pid)) return reapEachOther(isOwned);
      if (!reap(pid)) return true;
    }
    return false;
  }

  function reapEachOther(isOwned: IsOwned): boolean {
    let reaped = 0;
    for (const pid of listChildren()) {
      if (!isOwned(pid) && reap(pid) && ++reaped === BATCH) return false;
    }
    return true;
  }

  function stop(): void {
    isStopped = true;
  }

  return { wake, reapNow, stop };
}
