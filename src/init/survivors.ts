import type { Log } from '../log/log.ts';
import { kill } from '../native/process.ts';
import { SystemError } from '../native/system-error.ts';
import type { Signal } from '../native/types.ts';
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
      signalDescendants(SIGTERM);
      // One that is stopped acts on SIGTERM only once it is continued.
      signalDescendants(SIGCONT);
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

/** Signals each descendant once; as PID 1 every process of the namespace but init, in one call: kill(2). */
function signalDescendants(signal: Signal): void {
  if (process.pid === 1) everybody(signal);
  else signalTree(signal);
}

/** Signals each process below init once, also those in other sessions. */
export function signalTree(signal: Signal): void {
  for (const descendant of descendants(process.pid)) {
    try {
      signalProcess(descendant, signal);
    } catch {
      // EPERM: a program with another user's rights.
    }
  }
}

/**
 * One round. As a plain subreaper init kills its own children only, whose pids cannot return before it has waited for
 * them. Their children are its own by then, and each end is a SIGCHLD, so the rounds go on by themselves; a process
 * that forks and ends faster than /proc can be read is caught when init adopts its child.
 * @returns false if there are some, and none of them may be signalled
 */
function killRound(): boolean {
  const targets = process.pid === 1 ? [-1] : ownChildren();
  return targets.length === 0 || targets.map((target) => mayKill(target)).includes(true);
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
