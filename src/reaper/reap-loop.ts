import type { Pid } from '../native/types.ts';
import { lastWaitStatus, waitForAny } from '../native/wait.ts';

/**
 * How many children one turn of the event loop reaps. libuv's signal pipe holds 4,096 messages, and every child that
 * ends while this thread is busy here writes one: reaping without end would fill it, and a SIGTERM behind them would
 * be lost. Between batches the pipe is read.
 */
const BATCH = 1024;
/** From how many on it is a storm. */
const FEW = 16;

export interface ReapLoop {
  /**
   * To be called on each SIGCHLD: takes the status of every child that has ended, once this turn of the event loop
   * has read all its signals. A storm of orphans is thousands of SIGCHLDs a second; if each of them reaped, libuv
   * would find a new one each time, and never come to its timers.
   */
  wake(): void;
  /**
   * Takes the status of what has ended by now at once, a batch at most; `onDrained` comes with the loop. Children that
   * stopped are left to the loop.
   * @returns whether there was any
   */
  take(): boolean;
}

export interface ReapLoopEvents {
  /** A child ended, or stopped if `reportStopped`; `status` is its wait status. */
  readonly onChild: (pid: Pid, status: number) => void;
  /** Every child that had ended is reaped; whether any is left. */
  readonly onDrained: (hasChildren: boolean) => void;
  /**
   * Takes the handler of SIGCHLD away, or puts it back. In a storm it would run for every child that ends: five system
   * calls each, half of what the storm takes. While there is more to reap, nobody needs to be told.
   */
  readonly listen: (toChildren: boolean) => void;
  readonly reportStopped: boolean;
}

export function createReapLoop({ onChild, onDrained, listen, reportStopped }: ReapLoopEvents): ReapLoop {
  let isAwake = false;
  let isListening = true;
  let hasChildren = true;

  function wake(): void {
    if (isAwake) return;
    isAwake = true;
    setImmediate(reap);
  }

  function reap(): void {
    isAwake = false;
    if (takeBatch(reportStopped) === BATCH) {
      wake();
    } else if (!isListening) {
      // One that ended until now told nobody: look again.
      isListening = true;
      listen(true);
      wake();
    } else {
      onDrained(hasChildren);
    }
  }

  function take(): boolean {
    const hasTaken = takeBatch(false) > 0;
    if (hasTaken) wake();
    return hasTaken;
  }

  /** @returns how many there were; if fewer than a batch, all that had ended */
  function takeBatch(stoppedToo: boolean): number {
    for (let taken = 0; taken < BATCH; taken++) {
      const waited = waitForAny(stoppedToo);
      if (waited === 'nothing-yet' || waited === 'no-children') {
        hasChildren = waited === 'nothing-yet';
        return taken;
      }
      if (taken === FEW && isListening) {
        isListening = false;
        listen(false);
      }
      onChild(waited, lastWaitStatus());
    }
    return BATCH;
  }

  return { wake, take };
}
