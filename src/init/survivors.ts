import type { Log } from '../log/log.ts';
import { kill } from '../native/process.ts';
import { SystemError } from '../native/system-error.ts';
import type { Pid, Signal } from '../native/types.ts';
import { freeze } from '../process-tree/kill-tree.ts';
import {
  descendants,
  hasEnded,
  isProcUsable,
  ownChildren,
  type ProcessInfo,
} from '../process-tree/process-table.ts';
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
  reap,
  log,
}: {
  graceMs: number;
  /** None of those left may be signalled: waiting for them would be waiting for ever. */
  giveUp: () => void;
  /** Takes the status of what has ended by now. Returns whether there was any. */
  reap: () => boolean;
  log: Log;
}): Survivors {
  let killRound = createKillRounds(reap);
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
      killRound = createKillRounds(reap);
    },
  };
}

/** To each descendant once; as PID 1 to every process of the namespace but init, in one call: kill(2). */
function signalDescendants(...signals: readonly Signal[]): void {
  if (process.pid === 1) signals.forEach(everybody);
  else if (isProcUsable()) signalTree(...signals);
}

/**
 * Sends the signals to each process below init once, also to those in other sessions.
 * @throws Error where /proc does not show them
 */
export function signalTree(...signals: readonly Signal[]): void {
  if (!isProcUsable()) throw new Error('/proc does not show the descendants');
  for (const descendant of descendants(process.pid)) for (const signal of signals) send(descendant, signal);
}

/** @returns false for EPERM, a program with another user's rights */
function send(descendant: ProcessInfo, signal: Signal): boolean {
  // A child's pid cannot return before init has waited for it.
  if (descendant.parent === process.pid) return trySignal(() => kill(descendant.pid, signal));
  return trySignal(() => signalProcess(descendant, signal));
}

/** Whatever is not refused has ended or will. */
function trySignal(step: () => void): boolean {
  try {
    step();
    return true;
  } catch (error) {
    return !(error instanceof SystemError && error.code === 'EPERM');
  }
}

function everybody(signal: Signal): void {
  // ESRCH: only zombies are left.
  trySignal(() => kill(-1, signal));
}

/**
 * The rounds of SIGKILL, each begun by init when it has reaped: the end of a process below is the end of a child, by
 * and by, and so a SIGCHLD. As a plain subreaper init meets those that outrun it in two ways. A chain in which each
 * forks the next is stopped from the top, look after look, and killed when it stands. A process that forks and ends,
 * over and over, is met when init adopts its child.
 *
 * What has ended is reaped before each look. Ten such processes leave init ten zombies a millisecond: these make the
 * looks longer, long looks make more of them, and in the end the system has no pid left.
 * @returns a function that does one round; false if there are some, none of them ends and none may be signalled
 */
function createKillRounds(reap: () => boolean): () => boolean {
  let known = new Set<Pid>();
  let hasReaped = false;

  function children(): Pid[] {
    if (reap()) hasReaped = true;
    return ownChildren();
  }

  function running(): ProcessInfo[] {
    if (reap()) hasReaped = true;
    return descendants(process.pid).filter((info) => !hasEnded(info));
  }

  function killChildren(): boolean {
    const met = new Set<Pid>();
    let hasKilled = false;
    for (let looks = 0; looks < 100; looks++) {
      const fresh = children().filter((child) => !met.has(child));
      if (fresh.length === 0) break;
      for (const child of fresh) {
        met.add(child);
        if (trySignal(() => kill(child, SIGKILL))) hasKilled = true;
      }
    }
    return hasKilled || hasReaped || met.size === 0;
  }

  return () => {
    hasReaped = false;
    if (process.pid === 1) {
      everybody(SIGKILL);
      // That call succeeds even if all refuse. Where /proc does not show the children, they are taken for killed.
      return !isProcUsable() || killChildren();
    }
    if (!isProcUsable()) return false;
    if (children().some((child) => !known.has(child))) {
      const all = freeze(running(), running, send);
      for (const info of all) send(info, SIGKILL);
      known = new Set(all.map(({ pid }) => pid));
    }
    return killChildren();
  };
}
