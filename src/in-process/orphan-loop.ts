import { describeOrphan, orphanEvent, type ReapedOrphan } from '../events/orphan.ts';
import { orUndefined } from '../native/attempt.ts';
import { childrenOfLibuv } from '../native/libuv.ts';
import { nextTick, setImmediate } from '../native/timers.ts';
import type { Pid } from '../native/types.ts';
import { detachTracee, peekEnded, type WaitedFor, waitFor } from '../native/wait.ts';
import { isProcUsable, ownChildren, readProcess } from '../process-tree/process-table.ts';
import { decodeWaitStatus } from '../reaper/wait-status.ts';
import { isSubscribed, publish } from './channels.ts';

/** How many orphans one turn of the event loop reaps. The app does its own work between two batches. */
const BATCH = 256;

/** Decides about the reaping, or observes it. Its functions are called on the event loop, and must not throw. */
export interface Participant {
  /** Whether something else in this process waits for a child. Called for children that are not node's own. */
  readonly owns?: ((pid: number) => boolean) | undefined;
  /** Called while the child's entry in /proc exists. If the child has ended, the result is called once it is reaped. */
  readonly beforeReaping?: ((pid: Pid) => (waited: WaitedFor) => void) | undefined;
}

/** Whether something else in this process waits for the child. Valid until the app runs again. */
type IsOwned = (pid: Pid) => boolean;

/**
 * Reaps the children that nothing else in this process waits for, and leaves the others alone. It finds an ended child
 * without taking its status: wait4(-1) would take the status of a child that libuv is about to wait for.
 */
export function createOrphanLoop(participants: Iterable<Participant>) {
  let isAwake = false;
  let isStopped = false;
  let reaped = 0;

  /**
   * Reaps in the next check phase of the event loop. Call it from the poll phase, on SIGCHLD say: libuv has then waited
   * for its own children.
   */
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
      // Each status that is taken is one less: a tracee that stays stopped has none left.
      if (!reap(pid)) return true;
    }
    return false;
  }

  function reapEachOther(isOwned: IsOwned): boolean {
    let others = 0;
    for (const pid of ownChildren()) {
      if (!isOwned(pid) && reap(pid) && ++others === BATCH) return false;
    }
    return true;
  }

  function snapshotOwners(): IsOwned {
    const ofLibuv = childrenOfLibuv();
    return (pid) => {
      if (ofLibuv.has(pid)) return true;
      for (const { owns } of participants) if (owns?.(pid) === true) return true;
      return false;
    };
  }

  /** Takes the status of a child without blocking: its end, or a stop of a tracee. @returns false if it has none */
  function reap(pid: Pid): boolean {
    const onReaped: ((waited: WaitedFor) => void)[] = [];
    for (const { beforeReaping } of participants) if (beforeReaping) onReaped.push(beforeReaping(pid));
    if (isSubscribed('orphan')) {
      // In a separate tick: subscribers run while nothing is being reaped.
      const tell = (orphan: ReapedOrphan) => nextTick(() => publish(orphanEvent(orphan)));
      onReaped.push(announceOrphan(pid, tell));
    }
    const waited = waitFor(pid);
    if (waited === undefined) return false;
    const end = decodeWaitStatus(waited.status);
    if (end.kind === 'stopped') {
      // It asked to be traced by its parent. If that is refused, it stays stopped, and this hears no more of it.
      detachTracee(pid, end.signal);
      return true;
    }
    reaped++;
    for (const tell of onReaped) tell(waited);
    return true;
  }

  return {
    wake,
    reapNow,
    /** Reaps nothing more, even if `wake` was called before. */
    stop() {
      isStopped = true;
    },
    /** How many orphans have been reaped so far. */
    reaped: () => reaped,
    /** The children that neither node nor a participant waits for. */
    orphans() {
      const isOwned = snapshotOwners();
      return ownChildren().filter((pid) => !isOwned(pid));
    },
  };
}

/** Reads an orphan's details before it is reaped. @returns a function that tells of the orphan once it is reaped */
export function announceOrphan(pid: Pid, tell: (orphan: ReapedOrphan) => void): (waited: WaitedFor) => void {
  // If no descriptor is left, the orphan must be reaped all the same.
  const info = orUndefined(() => (isProcUsable() ? readProcess(pid) : undefined));
  return (waited) => tell(describeOrphan(pid, info, waited));
}
