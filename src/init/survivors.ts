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
/** How long /proc is tried again where the grace time is shorter. */
const SHORTEST_PATIENCE_MS = 100;

/** Ends what the workload leaves behind: the descendants of init, found in /proc. */
export interface Survivors {
  /** Asks each of them once to end: SIGTERM, and SIGCONT, since one that is stopped acts only once it is continued. */
  ask(): void;
  /** Kills those that there are now. To be called again whenever one has ended, until no child is left. */
  kill(): void;
  /** They are gone: nothing is tried again any more. */
  reset(): void;
}

export function createSurvivors({
  patienceMs,
  signalTree,
  giveUp,
  log,
}: {
  /** How long to try again where /proc cannot be read. */
  patienceMs: number;
  signalTree: SignalTree;
  /** None of those left may be signalled, or seen: waiting for them would be waiting for ever. */
  giveUp: () => void;
  log: Log;
}): Survivors {
  let retryTimer: NodeJS.Timeout | undefined;
  let retryMs = FIRST_RETRY_MS;
  let killsSince: number | undefined;
  let isKillDue = false;

  /** EMFILE, ENFILE, ENOMEM: it may work in a moment. */
  function retry(step: () => void): void {
    clearTimeout(retryTimer);
    retryTimer = setTimeout(step, retryMs);
    retryMs = Math.min(2 * retryMs, LONGEST_RETRY_MS);
  }

  function ask(): void {
    signalTree([SIGTERM, SIGCONT], ({ error }) => {
      // Where there is no usable /proc the kill rounds will say so.
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
    if (outcome === 'refused') leaveBehind('what is left may not be signalled');
    if (outcome === 'more') {
      isKillDue = true;
      setImmediate(killAgain);
    }
  }

  function killAgain(): void {
    // There may have been a reset.
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
 * One round of SIGKILL. Orphans become init's children, so its own children come first, look after look: what forks and
 * ends, over and over, is met when init adopts the next one. Once all of them have been killed, what runs below those
 * that have not ended yet: a chain that grows at its end is cut in its whole length.
 *
 * The end of a process below is the end of a child by and by, and so a SIGCHLD, after which comes the next round.
 * @returns 'more' if it ran out of time, 'refused' if there are some, and none may be signalled
 * @throws Error where /proc cannot be read
 */
function killRound(): 'done' | 'more' | 'refused' {
  if (!isProcUsable()) return 'refused';
  const end = now() + SLICE_MS;
  const met = new Set<Pid>();
  let refusals = 0;
  let children: Pid[];
  do {
    children = ownChildren().filter((child) => !met.has(child));
    for (const child of children) {
      met.add(child);
      if (unlessRefused(() => signalChild(child, SIGKILL)) === 'refused') refusals++;
    }
    if (now() > end) return 'more';
  } while (children.length > 0);
  const killed = [...met].map(readProcess).filter((info) => info !== undefined);
  for (const info of walk(killed)) {
    if (!met.has(info.pid)) unlessRefused(() => signalProcess(info, SIGKILL));
    if (now() > end) return 'more';
  }
  return refusals > 0 && refusals === met.size ? 'refused' : 'done';
}
