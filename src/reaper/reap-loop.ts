import { attempt } from '../native/attempt.ts';
import * as constants from '../native/constants.ts';
import { ignoreSignal, type SignalWatch, setNoChildWait } from '../native/signals.ts';
import type { Pid, Signal } from '../native/types.ts';
import { lastWaitStatus, peekAny, type Waited, waitForAny, waitForChild } from '../native/wait.ts';
import { changes, type Reaping, type ReapingEffect, type ReapingEvent } from './reaping.ts';

const SIGCHLD = constants.SIGCHLD as Signal;
/** How many children one turn of the event loop reaps. Signals and timers run between two batches. */
const BATCH = 4096;
/** More than this many in a batch are a flood. */
const FEW = 16;

interface ReapLoopEvents {
  /** What handles SIGCHLD. */
  readonly watch: SignalWatch;
  /** A child ended, or stopped with `reportStopped`. `status` is its wait status. */
  readonly onChild: (pid: Pid, status: number) => void;
  /** Every child that had ended is reaped. `hasChildren` says whether any is left. */
  readonly onDrained: (hasChildren: boolean) => void;
  /** wait4(2) is refused, so init cannot know of any child's end. */
  readonly onFailure: (error: Error) => void;
  readonly reportStopped: boolean;
  /** Also take each child's resource usage, for `lastUsage`. */
  readonly reportUsage: boolean;
  /** Called while /proc still shows a child that has ended or stopped. It costs each child a waitid(2). */
  readonly beforeReaping: ((pid: Pid) => void) | undefined;
}

/** Reaps in the place of init: all children, whoever forked them. reaping.ts says when, and who else does. */
export function createReapLoop(events: ReapLoopEvents) {
  const { watch, onChild, onDrained, onFailure, reportStopped, reportUsage, beforeReaping } = events;
  let reaping: Reaping = 'undecided';
  let isAwake = false;
  /** Whether the last wait found children that run. */
  let hasChildren = false;

  /** Lets something change who reaps. */
  function change(event: ReapingEvent): void {
    const [next, ...effects] = changes[reaping][event] ?? [reaping];
    reaping = next;
    for (const effect of effects) carryOut[effect]();
  }

  const carryOut: { readonly [Effect in ReapingEffect]: () => void } = {
    listen: () => watch.start(SIGCHLD),
    unlisten: () => void watch.stop(SIGCHLD),
    ignore: () => ignoreSignal(SIGCHLD),
    // If a seccomp profile refuses it, init reaps what the kernel would have discarded.
    'set-no-child-wait': () => void attempt(() => setNoChildWait(true)),
    // If it is refused, so was the setting.
    'clear-no-child-wait': () => void attempt(() => setNoChildWait(false)),
    reap,
    wake,
    tell: () => onDrained(hasChildren),
  };

  /**
   * Takes the status of every child that has ended, after this turn of the event loop has read all its signals. Call it
   * after every signal of any kind: libuv may have dropped a SIGCHLD behind it. A storm of orphans sends thousands of
   * SIGCHLDs a second. If each of them reaped, libuv would always find a new one, and never run its timers.
   */
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
    hasChildren = waited !== 'no-children';
    change(isPid(waited) ? 'more' : waited);
  }

  /** @returns the result of the last wait: a child if there may be more */
  function takeBatch(): Waited {
    let waited = waitForNext();
    for (let taken = 1; isPid(waited); taken++) {
      if (taken > FEW && reaping === 'init') change('flood');
      onChild(waited, lastWaitStatus());
      if (taken === BATCH) return waited;
      waited = waitForNext();
    }
    return waited;
  }

  function waitForNext(): Waited {
    const found = beforeReaping && peekAny(reportStopped);
    if (found === undefined) return waitForAny(reportStopped, reportUsage);
    if (!isPid(found)) return found;
    beforeReaping?.(found);
    const waited = waitForChild(found, reportStopped, reportUsage);
    // A stopped child may have been continued meanwhile.
    return isPid(waited) ? waited : waitForAny(reportStopped, reportUsage);
  }

  return {
    /** Who reaps. */
    reaping: () => reaping,
    change,
    wake,
    /**
     * Takes the status of the children that have ended by now, at most a batch, and in any case that of `first`. Call it
     * after `wake` and before acting on a signal: a stop signal means something else once the workload has ended, and each
     * zombie in the workload's group makes signalling the group slower.
     * @throws SystemError EPERM, ENOSYS
     */
    catchUp(first: Pid | undefined) {
      // After a full batch there may be more.
      if (!isPid(takeBatch()) || first === undefined) return;
      const waited = waitForChild(first, reportStopped, reportUsage);
      if (isPid(waited)) onChild(waited, lastWaitStatus());
    },
    /**
     * Takes the status of one child, and reaps the others if that one has ended. In a storm of orphans the others take
     * long.
     */
    begin(first: Pid) {
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
  };
}

function isPid(waited: Waited): waited is Pid {
  return typeof waited === 'number';
}
