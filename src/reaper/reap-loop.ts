import type { Pid } from '../native/types.ts';
import { lastWaitStatus, peekAny, type Waited, waitForAny, waitForChild } from '../native/wait.ts';

/** How many children one turn of the event loop reaps. Signals and timers run between two batches. */
const BATCH = 4096;
/** More than this many in a batch are a storm. */
const FEW = 16;

export interface ReapLoop {
  /**
   * Takes the status of every child that has ended, after this turn of the event loop has read all its signals. Call it
   * after every signal of any kind: libuv may have dropped a SIGCHLD behind it. A storm of orphans sends thousands of
   * SIGCHLDs a second. If each of them reaped, libuv would always find a new one, and never run its timers.
   */
  wake(): void;
  /**
   * Takes the status of the children that have ended by now, at most a batch, and in any case that of `first`. Call it
   * after `wake` and before acting on a signal: a stop signal means something else once the workload has ended, and each
   * zombie in the workload's group makes signalling the group slower.
   * @throws SystemError EPERM, ENOSYS
   */
  catchUp(first: Pid | undefined): void;
  /**
   * Takes the status of one child, and reaps the others if that one has ended. In a storm of orphans the others take long.
   */
  begin(first: Pid): void;
  /**
   * Makes the kernel reap children that end from now on, without reporting their status. Then no flood of zombies keeps
   * init from its work, however fast they come.
   */
  discardStatuses(): void;
  /** Ends that. Call it before starting a child whose status matters. */
  keepStatuses(): void;
  /**
   * Leaves all reaping to the kernel: from now on a child leaves no zombie and no status, and its end does not wake init.
   * Existing zombies are still reaped and reported.
   */
  leaveToKernel(): void;
  isLeftToKernel(): boolean;
  /** Ends that: children are reaped and reported again. */
  takeBack(): void;
}

export interface ReapLoopEvents {
  /** A child ended, or stopped with `reportStopped`. `status` is its wait status. */
  readonly onChild: (pid: Pid, status: number) => void;
  /** Every child that had ended is reaped. `hasChildren` says whether any is left. */
  readonly onDrained: (hasChildren: boolean) => void;
  /** wait4(2) is refused, so init cannot know of any child's end. */
  readonly onFailure: (error: Error) => void;
  /**
   * Removes the handler of SIGCHLD, or installs it again. In a storm it would run for every child that ends: five system
   * calls each, half the cost of the storm. While there are more children to reap, no SIGCHLD is needed.
   */
  readonly listen: (toChildren: boolean) => void;
  /** Ignores SIGCHLD while it has no handler: the kernel reaps, sigaction(2). */
  readonly ignore: () => void;
  /** Sets or clears SA_NOCLDWAIT. */
  readonly setNoChildWait: (isOn: boolean) => void;
  readonly reportStopped: boolean;
  /** Also take each child's resource usage, for `lastUsage`. */
  readonly reportUsage: boolean;
  /** Called while /proc still shows a child that has ended or stopped. It costs each child a waitid(2). */
  readonly beforeReaping: ((pid: Pid) => void) | undefined;
}

export function createReapLoop(events: ReapLoopEvents): ReapLoop {
  const { onChild, onDrained, onFailure, listen, ignore, setNoChildWait } = events;
  const { reportStopped, reportUsage, beforeReaping } = events;
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
      // onDrained waits until takeBack.
    } else if (!isListening) {
      // A child that ended before this line sent no SIGCHLD: reap again.
      listenAgain();
      wake();
    } else {
      onDrained(waited === 'nothing-yet');
    }
  }

  /** @returns the result of the last wait: a child if there may be more */
  function takeBatch(): Waited {
    let waited = waitForNext();
    for (let taken = 1; isPid(waited); taken++) {
      if (taken > FEW && isListening && !isDiscarding) {
        isListening = false;
        listen(false);
        // Nothing else would tell of the next child.
        wake();
      }
      onChild(waited, lastWaitStatus());
      if (taken === BATCH) return waited;
      waited = waitForNext();
    }
    return waited;
  }

  function waitForNext(): Waited {
    if (beforeReaping === undefined) return waitForAny(reportStopped, reportUsage);
    const found = peekAny(reportStopped);
    if (found === undefined) return waitForAny(reportStopped, reportUsage);
    if (!isPid(found)) return found;
    beforeReaping(found);
    const waited = waitForChild(found, reportStopped, reportUsage);
    // A stopped child may have been continued meanwhile.
    return isPid(waited) ? waited : waitForAny(reportStopped, reportUsage);
  }

  /** Applies isDiscarding. `reap` skips this if no child is left, which saves the system calls. */
  function tellKernel(): void {
    if (isDiscarding === hasNoChildWait) return;
    hasNoChildWait = isDiscarding;
    if (isDiscarding && !isListening) listenAgain();
    setNoChildWait(isDiscarding);
    // Existing zombies stay: reap them.
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
      // After a full batch there may be more.
      if (!isPid(takeBatch()) || first === undefined) return;
      const waited = waitForChild(first, reportStopped, reportUsage);
      if (isPid(waited)) onChild(waited, lastWaitStatus());
    },
    begin(first) {
      let waited: Waited = 'nothing-yet';
      try {
        waited = waitForChild(first, reportStopped, reportUsage);
      } catch (error) {
        onFailure(error as Error);
      }
      if (!isPid(waited)) return;
      onChild(waited, lastWaitStatus());
      reap();
    },
    leaveToKernel() {
      isLeftToKernel = true;
      if (isListening) listen(false);
      isListening = false;
      ignore();
      // A child that has become a zombie before that sends no SIGCHLD any more, and no signal makes init look for it.
      reap();
    },
    isLeftToKernel: () => isLeftToKernel,
    takeBack,
    discardStatuses() {
      isDiscarding = true;
      if (isLeftToKernel) {
        // At once, or the zombies that appear until the next turn would be its work.
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
