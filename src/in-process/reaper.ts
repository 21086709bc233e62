import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readlinkSync } from 'node:fs';
import * as constants from '../native/constants.ts';
import { childrenOfLibuv } from '../native/event-loop.ts';
import { becomeSubreaper, ceaseToBeSubreaper, isSubreaper } from '../native/process.ts';
import { realTimeSignals, watchSignals } from '../native/signals.ts';
import { setTimeout } from '../native/timers.ts';
import type { Pid, Signal } from '../native/types.ts';
import { peekEnded, type WaitedFor, waitFor } from '../native/wait.ts';
import { ownChildren } from '../process-tree/process-table.ts';
import { createOrphanLoop, type IsOwned } from '../reaper/orphan-loop.ts';
import { restoreDefaultActions } from './default-actions.ts';
import { watchWorkers } from './watch-workers.ts';

/** Whoever has a say in the reaping, or wants to hear of it. Called on the event loop; must not throw. */
export interface Participant {
  /** Whether something else in this process waits for a child, asked about those that are not node's own. */
  readonly owns?: ((pid: number) => boolean) | undefined;
  /** Shown a child while its entry in /proc is there. What it returns is called if that had ended, and is reaped now. */
  readonly beforeReaping?: ((pid: Pid) => (waited: WaitedFor) => void) | undefined;
}

/** The one reaper of a process: also for other copies of this package, in whatever version. */
export interface InProcessReaper {
  /** How many orphans were reaped so far. */
  readonly reaped: number;
  /** The children that neither node nor a participant waits for. */
  orphans(): Pid[];
  join(participant: Participant): void;
  /** Reaps what has ended by now. With the last participant the process is again as it was. */
  leave(participant: Participant): void;
}

const shared = globalThis as { [key: symbol]: InProcessReaper | undefined };
/** The number is that of the two interfaces above. */
const KEY = Symbol.for('subreaper.in-process-reaper.1');

const SIGCHLD = constants.SIGCHLD as Signal;
/** pthread_join(3) returns a moment before the kernel has passed the thread's children on, and no event says when. */
const AFTER_JOIN_MS = 100;

/**
 * Makes this process its own init, if it is not one yet, and lets a participant into it.
 * @param warn told, in one line, what keeps orphans from coming to this process; without it node warns
 * @returns undefined in worker threads and on other systems than Linux: nothing happens there
 * @throws Error where koffi, a dependency, has no addon for this platform
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

/** /proc/thread-self is "PID/task/TID", and the main thread's ID is the pid. */
function isMainThread(): boolean {
  try {
    const [pid, , thread] = readlinkSync('/proc/thread-self').split('/');
    return pid === thread;
  } catch {
    // Without /proc: node's own word for it, which costs a start-up a millisecond.
    return process.getBuiltinModule('node:worker_threads').isMainThread;
  }
}

function startReaper(warn: (message: string) => void): InProcessReaper {
  const participants = new Set<Participant>();
  let reaped = 0;

  // Ask who waits for a child.
  function snapshotOwners(): IsOwned {
    const ofLibuv = childrenOfLibuv();
    return (pid) => {
      if (ofLibuv.has(pid)) return true;
      for (const { owns } of participants) if (owns?.(pid) === true) return true;
      return false;
    };
  }

  // Reap what nobody waits for.
  const loop = createOrphanLoop({ snapshotOwners, listChildren: ownChildren, reap });
  function reap(pid: Pid): boolean {
    const onReaped: ((waited: WaitedFor) => void)[] = [];
    for (const { beforeReaping } of participants) if (beforeReaping) onReaped.push(beforeReaping(pid));
    const waited = waitFor(pid);
    if (waited === undefined) return false;
    reaped++;
    for (const tell of onReaped) tell(waited);
    return true;
  }
  const watch = watchSignals(loop.wake, false);
  watch.start(SIGCHLD);

  // What a worker thread leaves behind comes to the main thread, and zombies among it come without a SIGCHLD.
  const stopWatchingWorkers = watchWorkers(() => {
    loop.wake();
    setTimeout(loop.reapNow, AFTER_JOIN_MS).unref();
  });

  // Become a subreaper. PID 1 is one already, and has other duties.
  const isPid1 = process.pid === 1;
  const hasBecomeSubreaper = !isPid1 && tryToBecomeSubreaper(warn);
  if (hasBecomeSubreaper) subscribe('process.execve', onExecve);
  const defaultActions = isPid1 ? restoreDefaultActions(realTimeSignals()) : undefined;

  // execve(2) keeps the attribute, and the next program does not reap. In some versions of node it throws if it fails.
  function onExecve(): void {
    ceaseToBeSubreaper();
    process.nextTick(() => {
      if (participants.size > 0) becomeSubreaper();
    });
  }

  // What ended before is reaped once the caller is done.
  if (peekEnded() !== 'no-children') process.nextTick(loop.reapNow);

  function stop(): void {
    watch.stop(SIGCHLD);
    watch.release();
    defaultActions?.stop();
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
      return reaped;
    },
    orphans() {
      const isOwned = snapshotOwners();
      return ownChildren().filter((pid) => !isOwned(pid));
    },
    join(participant) {
      participants.add(participant);
    },
    leave(participant) {
      // Nobody else would reap it.
      loop.reapNow();
      participants.delete(participant);
      if (participants.size === 0) stop();
    },
  };
}

/** @returns whether it was not one before */
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
