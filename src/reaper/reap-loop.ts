import type { Pid } from '../native/types.ts';
import { lastWaitStatus, type Waited, waitForAny, waitForChild } from '../native/wait.ts';

/** How many children one turn of the event loop reaps: signals and timers come between two batches. */
const BATCH = 4096;
/** From how many on it is a storm. */
const FEW = 16;

export interface ReapLoop {
  /**
   * To be called after every signal, whichever it is: libuv may have dropped the SIGCHLD behind it. Takes the status of
   * every child that has ended, once this turn of the event loop has read all its signals. A storm of orphans is
   * thousands of SIGCHLDs a second; if each of them reaped, libuv would find a new one each time, and never come to
   * its timers.
   */
  wake(): void;
  /**
   * Takes the status of what has ended by now at once, a batch at most, and in any case of that child. To be called
   * between `wake` and what a signal is to do: a stop signal means something else once the workload has ended, and every
   * zombie in the workload's group makes it longer to signal the group.
   * @throws SystemError EPERM, ENOSYS
   */
  catchUp(first: Pid | undefined): void;
  /**
   * Lets the kernel reap whatever ends from now on: no status is needed any more. Then no flood of zombies keeps init
   * from its work, however fast they come.
   */
  discardStatuses(): void;
  /** The opposite: to be called before a child whose status matters. */
  keepStatuses(): void;
  /**
   * Leaves the reaping to the kernel altogether: no zombie is left of any child from now on, its status is lost, and its
   * end wakes nobody. Zombies from before are reaped, and reported, as ever.
   */
  leaveToKernel(): void;
  isLeftToKernel(): boolean;
  /** Ends that: children are waited for, and reported, again. */
  takeBack(): void;
}

export interface ReapLoopEvents {
  /** A child ended, or stopped if `reportStopped`; `status` is its wait status. */
  readonly onChild: (pid: Pid, status: number) => void;
  /** Every child that had ended is reaped; whether any is left. */
  readonly onDrained: (hasChildren: boolean) => void;
  /** wait4(2) is refused: no child's end can be known. */
  readonly onFailure: (error: Error) => void;
  /**
   * Takes the handler of SIGCHLD away, or puts it back. In a storm it would run for every child that ends: five system
   * calls each, half of what the storm takes. While there is more to reap, nobody needs to be told.
   */
  readonly listen: (toChildren: boolean) => void;
  /** Ignores SIGCHLD, which has no handler then: the kernel reaps, sigaction(2). */
  readonly ignore: () => void;
  /** SA_NOCLDWAIT. */
  readonly setNoChildWait: (isOn: boolean) => void;
  readonly reportStopped: boolean;
}

export function createReapLoop(events: ReapLoopEvents): ReapLoop {
  const { onChild, onDrained, onFailure, listen, ignore, setNoChildWait, reportStopped } = events;
  let isAwake = false;
  let isListening = true;
  let isDiscarding = false;
  let hasNoChildWait = false;
  let isLeftToKernel = false;

  function wake(): void {
    if (isAwake) return;
    isAwake = true;
    setImmediate(reap);
  }

  function reap(): void {
    isAwake = false;
    let waited: Waited;
    try {
      waited = takeBatch();
    } catch (error) {
      onFailure(error as Error);
      return;
    }
    if (waited !== 'no-children') tellKernel();
    if (isPid(waited)) {
      wake();
    } else if (isLeftToKernel) {
      // Its own time comes when it takes them back.
    } else if (!isListening) {
      // One that ended until now told nobody: look again.
      listenAgain();
      wake();
    } else {
      onDrained(waited === 'nothing-yet');
    }
  }

  /** @returns what the last wait found: a child if there may be more */
  function takeBatch(): Waited {
    let waited = waitForAny(reportStopped);
    for (let taken = 1; isPid(waited); taken++) {
      if (taken > FEW && isListening && !isDiscarding) {
        isListening = false;
        listen(false);
      }
      onChild(waited, lastWaitStatus());
      if (taken === BATCH) return waited;
      waited = waitForAny(reportStopped);
    }
    return waited;
  }

  /** Where there is no child any more, the system calls for this are spared. */
  function tellKernel(): void {
    if (isDiscarding === hasNoChildWait) return;
    hasNoChildWait = isDiscarding;
    if (isDiscarding && !isListening) listenAgain();
    setNoChildWait(isDiscarding);
    // Zombies from before the switch stay.
    if (isDiscarding) wake();
  }

  function takeBack(): void {
    if (!isLeftToKernel) return;
    isLeftToKernel = false;
    listenAgain();
    wake();
  }

  function listenAgain(): void {
    isListening = true;
    listen(true);
  }

  return {
    wake,
    catchUp(first) {
      // Behind a full batch there may be more.
      if (!isPid(takeBatch()) || first === undefined) return;
      const waited = waitForChild(first, reportStopped);
      if (isPid(waited)) onChild(waited, lastWaitStatus());
    },
    leaveToKernel() {
      isLeftToKernel = true;
      if (isListening) listen(false);
      isListening = false;
      ignore();
      wake();
    },
    isLeftToKernel: () => isLeftToKernel,
    takeBack,
    discardStatuses() {
      isDiscarding = true;
      if (isLeftToKernel) {
        // Or the zombies of this moment would be the next one's work.
        takeBack();
        tellKernel();
      }
      wake();
    },
    keepStatuses() {
      isDiscarding = false;
      tellKernel();
    },
  };
}

function isPid(waited: Waited): waited is Pid {
  return typeof waited === 'number';
}
