import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { orUndefined } from '../native/attempt.ts';
import * as constants from '../native/constants.ts';
import { becomeSubreaper, ceaseToBeSubreaper, isSubreaper } from '../native/process.ts';
import { watchSignals } from '../native/signals.ts';
import { nextTick, setTimeout } from '../native/timers.ts';
import type { Pid, Signal } from '../native/types.ts';
import { peekEnded } from '../native/wait.ts';
import { isSubscribed, publish } from './channels.ts';
import { restoreDefaultActions } from './default-actions.ts';
import { createOrphanLoop, type Participant } from './orphan-loop.ts';
import { watchWorkers } from './watch-workers.ts';

/** The only reaper of a process. All copies of this package share it, whatever their versions. */
export interface InProcessReaper {
  /** How many orphans have been reaped so far. */
  readonly reaped: number;
  /** The children that neither node nor a participant waits for. */
  orphans(): Pid[];
  join(participant: Participant): void;
  /** Reaps the orphans that have ended by now. The last participant to leave restores the process as it was. */
  leave(participant: Participant): void;
}

const shared = globalThis as { [key: symbol]: InProcessReaper | undefined };
/** The number is the version of that interface, and of Participant. */
const KEY = Symbol.for('subreaper.in-process-reaper.1');

const SIGCHLD = constants.SIGCHLD as Signal;
/** pthread_join(3) returns shortly before the kernel has passed on the thread's children. No event says when it has. */
const AFTER_JOIN_MS = 100;

/**
 * Makes this process its own init, unless it is one already, and adds a participant.
 * @param warn called with one line if orphans cannot come to this process; by default node emits a warning
 * @returns undefined in worker threads and on systems other than Linux: nothing happens there
 * @throws Error if koffi, a dependency, has no addon for this platform
 */
export function joinReaper(
  participant: Participant,
  warn: (message: string) => void = emitWarning,
): InProcessReaper | undefined {
  if (process.platform !== 'linux' || !isMainThread()) return undefined;
  shared[KEY] ??= startReaper(warn);
  shared[KEY].join(participant);
  return shared[KEY];
}

function emitWarning(message: string): void {
  process.emitWarning(`subreaper: ${message}; allow prctl in its seccomp profile`);
}

/** /proc/thread-self is "PID/task/TID". The main thread's ID is the pid. */
function isMainThread(): boolean {
  const link = orUndefined(() => readlinkSync('/proc/thread-self'));
  // Without /proc, ask node, which costs start-up a millisecond.
  if (link === undefined) return process.getBuiltinModule('node:worker_threads').isMainThread;
  const [pid, , thread] = link.split('/');
  return pid === thread;
}

function startReaper(warn: (message: string) => void): InProcessReaper {
  const participants = new Set<Participant>();
  const loop = createOrphanLoop(participants);
  const watch = watchSignals(loop.wake);
  watch.start(SIGCHLD);

  // When a worker thread ends, the main thread gets its children. Zombies among them come without a SIGCHLD.
  const stopWatchingWorkers = watchWorkers(() => {
    loop.wake();
    setTimeout(loop.reapNow, AFTER_JOIN_MS).unref();
  });

  // Become a subreaper. PID 1 is one already, and has other duties.
  const isPid1 = process.pid === 1;
  const hasBecomeSubreaper = !isPid1 && tryToBecomeSubreaper(warn);
  if (hasBecomeSubreaper) subscribe('process.execve', onExecve);
  const stopDefaultActions = isPid1 ? restoreDefaultActions() : undefined;

  // execve(2) keeps the attribute, but the next program does not reap. If the call fails, the app goes on (some versions
  // of node throw): become a subreaper again.
  function onExecve(): void {
    ceaseToBeSubreaper();
    nextTick(() => {
      if (participants.size > 0) becomeSubreaper();
    });
  }

  // Reap the orphans that have ended before this, once the caller is done.
  if (peekEnded() !== 'no-children') nextTick(loop.reapNow);

  if (isSubscribed('started')) {
    publish({
      event: 'started',
      'process.pid': process.pid,
      'process.executable.name': basename(process.execPath),
    });
  }

  function stop(): void {
    watch.stop(SIGCHLD);
    stopDefaultActions?.();
    loop.stop();
    stopWatchingWorkers();
    if (hasBecomeSubreaper) {
      unsubscribe('process.execve', onExecve);
      ceaseToBeSubreaper();
    }
    shared[KEY] = undefined;
  }

  return {
    get reaped() {
      return loop.reaped();
    },
    orphans: loop.orphans,
    join(participant) {
      participants.add(participant);
    },
    leave(participant) {
      // After the last participant nobody reaps.
      loop.reapNow();
      participants.delete(participant);
      if (participants.size === 0) stop();
    },
  };
}

/** @returns whether this call made the process a subreaper */
function tryToBecomeSubreaper(warn: (message: string) => void): boolean {
  try {
    if (isSubreaper()) return false;
    becomeSubreaper();
    return true;
  } catch (error) {
    warn(`this process cannot become a subreaper (${(error as Error).message}), so orphans go to PID 1`);
    return false;
  }
}
