import { now } from '../native/timers.ts';
import type { Pid } from '../native/types.ts';
import { isProcUsable, ownChildrenInSteps, readProcess, walkInSteps } from '../process-tree/process-table.ts';
import { signalChild, signalProcess } from '../process-tree/signal-process.ts';
import { signalNumber } from '../signals/signal-names.ts';
import { type SignalTree, unlessRefused } from './signal-tree.ts';
import { runInSlices } from './slices.ts';

const SIGTERM = signalNumber('SIGTERM');
const SIGCONT = signalNumber('SIGCONT');
const SIGKILL = signalNumber('SIGKILL');

const FIRST_RETRY_MS = 10;
const LONGEST_RETRY_MS = 500;

/** Ends the processes that the workload leaves behind: init's descendants, found in /proc. */
export interface Survivors {
  /** Asks each of them once to end: SIGTERM, and SIGCONT, without which a stopped process would not act on it. */
  ask(): void;
  /** Kills those that exist now. Call it again whenever one has ended, until no child is left. */
  kill(): void;
  /** They are gone: ends all retries. */
  reset(): void;
}

export function createSurvivors({
  patienceMs,
  signalTree,
  reapAgain,
  giveUp,
}: {
  /** How long to retry if /proc cannot be read. */
  patienceMs: number;
  signalTree: SignalTree;
  /** Called now and then after a round, in case the last SIGCHLD is lost. */
  reapAgain: () => void;
  /** Called if init may not signal, or cannot see, any of the rest: it would wait for ever. */
  giveUp: (why: string, error?: Error) => void;
}): Survivors {
  let retryTimer: NodeJS.Timeout | undefined;
  let retryMs = FIRST_RETRY_MS;
  let killsSince: number | undefined;
  /** A round of SIGKILL. 'again': it has begun, and another one must follow. 'due': the next one is about to begin. */
  let round: 'none' | 'begun' | 'again' | 'due' = 'none';
  let cancelRound = () => {};
  let hasGivenUp = false;

  function kill(): void {
    signalTree.forget();
    if (round === 'none' || round === 'due') begin();
    else round = 'again';
  }

  function begin(): void {
    killsSince ??= now();
    clearTimeout(retryTimer);
    round = 'begun';
    cancelRound = runInSlices(killRound(), (error, outcome) => {
      const mustRepeat = round === 'again';
      round = 'none';
      if (error !== undefined) failed(error);
      else ended(outcome === 'refused', mustRepeat);
    });
  }

  function ended(isRefused: boolean, mustRepeat: boolean): void {
    retryMs = FIRST_RETRY_MS;
    if (mustRepeat) {
      round = 'due';
      setImmediate(beginIfDue);
    } else if (isRefused) leave('what is left may not be signalled');
    else retryTimer = setTimeout(reapAgain, LONGEST_RETRY_MS);
  }

  /** For EMFILE, ENFILE, ENOMEM: the next round may work. */
  function failed(error: Error): void {
    if (now() - (killsSince as number) >= patienceMs) {
      leave('what is left cannot be seen', error);
      return;
    }
    round = 'due';
    retryTimer = setTimeout(beginIfDue, retryMs);
    retryMs = Math.min(2 * retryMs, LONGEST_RETRY_MS);
  }

  function beginIfDue(): void {
    // A reset may have come first.
    if (round === 'due') begin();
  }

  function leave(why: string, error?: Error): void {
    if (!hasGivenUp) giveUp(why, error);
    hasGivenUp = true;
  }

  return {
    ask() {
      // What the workload was sent reaches nobody any more: they are all asked to end.
      signalTree.forget();
      signalTree.send([SIGTERM, SIGCONT], () => {});
    },
    kill,
    reset() {
      signalTree.forget();
      cancelRound();
      clearTimeout(retryTimer);
      retryMs = FIRST_RETRY_MS;
      killsSince = undefined;
      round = 'none';
      hasGivenUp = false;
    },
  };
}

/**
 * One round of SIGKILL. init adopts orphans, so it kills its own children first, and lists them again until none is new:
 * a process that forks and ends over and over is caught when init adopts the next one. Then it kills everything below the
 * children that have not ended yet: that cuts the whole length of a chain that grows at its end. It also reaches a child
 * that is still there though waitid(2) did not find it.
 *
 * A descendant that ends sooner or later becomes a child that ends, and so a SIGCHLD, which starts the next round.
 * @returns 'refused' if there are survivors, and init may signal none of them
 * @throws Error if /proc cannot be read
 */
function* killRound(): Generator<void, 'done' | 'refused'> {
  const self = isProcUsable() ? readProcess(process.pid) : undefined;
  if (self === undefined) throw new Error('/proc does not show the descendants');
  const killed = new Map<Pid, 'sent' | 'gone' | 'refused'>();
  for (;;) {
    const children = yield* ownChildrenInSteps();
    // One that is gone is forgotten: its pid may come again.
    const present = new Set(children);
    for (const pid of killed.keys()) if (!present.has(pid)) killed.delete(pid);
    const fresh = children.filter((child) => !killed.has(child));
    if (fresh.length === 0) break;
    for (const child of fresh) {
      killed.set(
        child,
        unlessRefused(() => signalChild(child, SIGKILL)),
      );
      yield;
    }
  }
  for (const some of walkInSteps([self])) {
    for (const info of some) {
      const isReached = info.pid === self.pid || (killed.get(info.pid) ?? 'gone') !== 'gone';
      if (!isReached) unlessRefused(() => signalProcess(info, SIGKILL));
    }
    yield;
  }
  return killed.size > 0 && [...killed.values()].every((outcome) => outcome === 'refused')
    ? 'refused'
    : 'done';
}
