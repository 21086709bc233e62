import type { Log } from '../log/log.ts';
import { kill } from '../native/process.ts';
import { SystemError } from '../native/system-error.ts';
import type { Pid, Signal } from '../native/types.ts';
import { descendants, ownChildren } from '../process-tree/process-table.ts';
import { signalProcess } from '../process-tree/signal-process.ts';
import { signalNumber } from '../signals/signal-names.ts';

const SIGTERM = signalNumber('SIGTERM');
const SIGCONT = signalNumber('SIGCONT');
const SIGKILL = signalNumber('SIGKILL');

/** Ends what the workload leaves behind: SIGTERM, the grace time, then SIGKILL round after round. */
export interface Survivors {
  /** To be called whenever init has reaped and children are left: asks them to end, or kills those that are new. */
  advance(): void;
  /** Ends the grace time. */
  killNow(): void;
  /** True from the first SIGKILL until `reset`. */
  isKilling(): boolean;
  /** They are gone: nothing is timed any more, and the next ones will be asked first. */
  reset(): void;
}

export function createSurvivors({
  graceMs,
  giveUp,
  log,
}: {
  graceMs: number;
  /** None of those left may be signalled: waiting for them would be waiting for ever. */
  giveUp: () => void;
  log: Log;
}): Survivors {
  let phase: 'alive' | 'asked' | 'killing' = 'alive';
  let timer: NodeJS.Timeout | undefined;

  function killNow(): void {
    clearTimeout(timer);
    if (phase !== 'killing') log('warn', 'killing what is left');
    phase = 'killing';
    round();
  }

  function round(): void {
    if (killRound()) return;
    log('warn', 'what is left may not be signalled, and is left behind');
    giveUp();
  }

  return {
    advance() {
      if (phase === 'killing') round();
      if (phase !== 'alive') return;
      if (graceMs === 0) {
        killNow();
        return;
      }
      phase = 'asked';
      log('info', 'asking survivors to end', { graceMs });
      // One that is stopped acts on SIGTERM only once it is continued.
      signalDescendants(SIGTERM, SIGCONT);
      timer = setTimeout(killNow, graceMs);
    },
    killNow,
    isKilling: () => phase === 'killing',
    reset() {
      clearTimeout(timer);
      phase = 'alive';
    },
  };
}

/** To each descendant once; as PID 1 to every process of the namespace but init, in one call: kill(2). */
function signalDescendants(...signals: readonly Signal[]): void {
  if (process.pid === 1) signals.forEach(everybody);
  else signalTree(...signals);
}

/** Sends the signals to each process below init once, also to those in other sessions. */
export function signalTree(...signals: readonly Signal[]): void {
  for (const descendant of descendants(process.pid)) {
    try {
      // A child's pid cannot return before init has waited for it.
      const isChild = descendant.parent === process.pid;
      for (const signal of signals) {
        if (isChild) kill(descendant.pid, signal);
        else signalProcess(descendant, signal);
      }
    } catch {
      // EPERM: a program with another user's rights.
    }
  }
}

/**
 * One round. As a plain subreaper init kills its own children only, whose pids cannot return before it has waited for
 * them. Their children are its own by then, and each end is a SIGCHLD, so the rounds go on by themselves.
 * @returns false if there are some, and none of them may be signalled
 */
function killRound(): boolean {
  if (process.pid === 1) return mayKill(-1);
  const met = new Set<Pid>();
  let hasKilled = false;
  // A process that forks and ends, over and over, is met when init adopts its child: look again at once.
  for (let look = 0; look < 100; look++) {
    const fresh = ownChildren().filter((child) => !met.has(child));
    if (fresh.length === 0) break;
    for (const child of fresh) {
      met.add(child);
      if (mayKill(child)) hasKilled = true;
    }
  }
  return hasKilled || met.size === 0;
}

/** A program with another user's rights (EPERM) goes on; whatever else it is, it has ended or will. */
function mayKill(target: number): boolean {
  try {
    kill(target, SIGKILL);
    return true;
  } catch (error) {
    return !(error instanceof SystemError && error.code === 'EPERM');
  }
}

function everybody(signal: Signal): void {
  try {
    kill(-1, signal);
  } catch {
    // ESRCH: only zombies are left. EPERM: see mayKill.
  }
}
