import { setImmediate } from '../native/timers.ts';
import type { Pid } from '../native/types.ts';
import { peekEnded } from '../native/wait.ts';

/** How many orphans one turn of the event loop reaps: the app's own work comes between two batches. */
const BATCH = 256;

export interface OrphanLoop {
  /**
   * To be called from the event loop's poll phase, on SIGCHLD say: looks in the check phase that follows, when libuv
   * has waited for its own children.
   */
  wake(): void;
  /** Looks at once. */
  reapNow(): void;
  /** Looks no more, whatever is still to come. */
  stop(): void;
}

/** Whether someone else in this process waits for the child. Holds as long as nothing of the app runs. */
export type IsOwned = (pid: Pid) => boolean;

interface OrphanLoopParts {
  /** Asks who in this process waits for which child: libuv, or a native addon. Must not throw. */
  readonly snapshotOwners: () => IsOwned;
  readonly listChildren: () => readonly Pid[];
  /** Waits for a child without blocking. @returns false if it still runs */
  readonly reap: (pid: Pid) => boolean;
}

/**
 * Reaps the children that nobody in this process waits for, and leaves the others alone. The kernel is asked for one
 * that has ended without taking its status: wait4(-1) would take that of a child that libuv is about to wait for.
 */
export function createOrphanLoop({ snapshotOwners, listChildren, reap }: OrphanLoopParts): OrphanLoop {
  let isAwake = false;
  let isStopped = false;

  function wake(): void {
    if (isAwake) return;
    isAwake = true;
    // Without a reference: the poll phase is over when it runs, so it delays nothing, and an app that has nothing left
    // to do may end before it.
    setImmediate(reapNow).unref();
  }

  function reapNow(): void {
    isAwake = false;
    if (isStopped || reapBatch()) return;
    isAwake = true;
    // This one keeps the loop alive, but no longer than there are zombies: without the reference the loop could fall
    // asleep before it runs.
    setImmediate(reapNow);
  }

  /** @returns whether no zombie is left but those of others */
  function reapBatch(): boolean {
    let isOwned: IsOwned | undefined;
    for (let peeks = 0; peeks < BATCH; peeks++) {
      const pid = peekEnded();
      if (pid === 'nothing-yet' || pid === 'no-children') return true;
      // Not before there is a zombie: mostly there is none, since libuv has waited for its own.
      isOwned ??= snapshotOwners();
      // The kernel shows the first one only, and an owned one hides those behind it for as long as its owner takes.
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
