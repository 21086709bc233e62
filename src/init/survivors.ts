import type { Log } from '../log/log.ts';
import { now } from '../native/timers.ts';
import type { Pid } from '../native/types.ts';
import { isProcUsable, ownChildren, readProcess, walk } from '../process-tree/process-table.ts';
import { signalChild, signalProcess } from '../process-tree/signal-process.ts';
import { signalNumber } from '../signals/signal-names.ts';
import { type SignalTree, unlessRefused } from './signal-tree.ts';
import { SLICE_MS } from './slices.ts';

const SIGTERM = signalNumber('SIGTERM');
const SIGCONT = signalNumber('SIGCONT');
const SIGKILL = signalNumber('SIGKILL');

const FIRST_RETRY_MS = 10;
const LONGEST_RETRY_MS = 500;
/** The shortest time to retry an unreadable /proc, even if the grace time is shorter. */
const SHORTEST_PATIENCE_MS = 100;

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
  lookAgain,
  giveUp,
  log,
}: {
  /** How long to retry if /proc cannot be read. */
  patienceMs: number;
  signalTree: SignalTree;
  /** Called now and then after a round, in case the SIGCHLD of the last one is lost. */
  lookAgain: () => void;
  /** Called if init may not signal, or cannot see, any of the rest: it would wait for ever. */
  giveUp: () => void;
  log: Log;
}): Survivors {
  let retryTimer: NodeJS.Timeout | undefined;
  let retryMs = FIRST_RETRY_MS;
  let killsSince: number | undefined;
  let isKillDue = false;

  /** For EMFILE, ENFILE, ENOMEM: the step may work a moment later. */
  function retry(step: () => void): void {
    clearTimeout(retryTimer);
    retryTimer = setTimeout(step, retryMs);
    retryMs = Math.min(2 * retryMs, LONGEST_RETRY_MS);
  }

  function ask(): void {
    signalTree([SIGTERM, SIGCONT], ({ error }) => {
      // Without a usable /proc, the kill rounds report it.
      if (error !== undefined && killsSince === undefined && isProcUsable()) retry(ask);
    });
  }

  function kill(): void {
    if (isKillDue) return;
    killsSince ??= now();
    let outcome: ReturnType<typeof killRound>;
    try {
      outcome = killRound();
    } catch (error) {
      if (now() - killsSince < Math.max(patienceMs, SHORTEST_PATIENCE_MS)) {
        isKillDue = true;
        retry(killAgain);
      } else {
        leaveBehind('what is left cannot be seen', error as Error);
      }
      return;
    }
    retryMs = FIRST_RETRY_MS;
    clearTimeout(retryTimer);
    if (outcome === 'done') retryTimer = setTimeout(lookAgain, LONGEST_RETRY_MS);
    if (outcome === 'refused') leaveBehind('what is left may not be signalled');
    if (outcome === 'more') {
      isKillDue = true;
      setImmediate(killAgain);
    }
  }

  function killAgain(): void {
    // A reset may have come first.
    if (!isKillDue) return;
    isKillDue = false;
    kill();
  }

  function leaveBehind(why: string, error?: Error): void {
    log('warn', `${why}, and is left behind`, { error: error?.message });
    giveUp();
  }

  return {
    ask,
    kill,
    reset() {
      clearTimeout(retryTimer);
      retryMs = FIRST_RETRY_MS;
      killsSince = undefined;
      isKillDue = false;
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
 * @returns 'more' if it ran out of time, 'refused' if there are survivors, and init may signal none of them
 * @throws Error if /proc cannot be read
 */
function killRound(): 'done' | 'more' | 'refused' {
  if (!isProcUsable()) throw new Error('/proc does not show the descendants');
  const end = now() + SLICE_MS;
  const met = new Set<Pid>();
  const reached = new Set<Pid>();
  let refusals = 0;
  let children: Pid[];
  do {
    children = ownChildren().filter((child) => !met.has(child));
    for (const child of children) {
      met.add(child);
      const outcome = unlessRefused(() => signalChild(child, SIGKILL));
      if (outcome !== 'gone') reached.add(child);
      if (outcome === 'refused') refusals++;
    }
    if (now() > end) return 'more';
  } while (children.length > 0);
  const killed = [...met].map(readProcess).filter((info) => info !== undefined);
  for (const info of walk(killed)) {
    if (!reached.has(info.pid)) unlessRefused(() => signalProcess(info, SIGKILL));
    if (now() > end) return 'more';
  }
  return refusals > 0 && refusals === met.size ? 'refused' : 'done';
}
