import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import type { StartedEvent } from '../events/events.ts';
import { orphanEvent, type ReapedOrphan } from '../events/orphan.ts';
import * as constants from '../native/constants.ts';
import { childrenOfLibuv } from '../native/event-loop.ts';
import { becomeSubreaper, ceaseToBeSubreaper, isSubreaper } from '../native/process.ts';
import { realTimeSignals, watchSignals } from '../native/signals.ts';
import { setTimeout } from '../native/timers.ts';
import type { Pid, Signal } from '../native/types.ts';
import { peekEnded, type WaitedFor, waitFor } from '../native/wait.ts';
import { ownChildren } from '../process-tree/process-table.ts';
import { createOrphanLoop, type IsOwned } from '../reaper/orphan-loop.ts';
import { announceOrphan } from './announce-orphan.ts';
import { isSubscribed, publish } from './channels.ts';
import { restoreDefaultActions } from './default-actions.ts';
import { watchWorkers } from './watch-workers.ts';

/** Decides about the reaping, or observes it. Its functions are called on the event loop, and must not throw. */
export interface Participant {
  /** Whether something else in this process waits for a child. Called for children that are not node's own. */
  readonly owns?: ((pid: number) => boolean) | undefined;
  /** Called while the child's entry in /proc exists. If the child has ended, the result is called once it is reaped. */
  readonly beforeReaping?: ((pid: Pid) => (waited: WaitedFor) => void) | undefined;
}

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
/** The number is the version of the two interfaces above. */
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
  try {
    const [pid, , thread] = readlinkSync('/proc/thread-self').split('/');
    return pid === thread;
  } catch {
    // Without /proc, ask node, which costs start-up a millisecond.
    return process.getBuiltinModule('node:worker_threads').isMainThread;
  }
}

function startReaper(warn: (message: string) => void): InProcessReaper {
  const participants = new Set<Participant>();
  let reaped = 0;

  // Find out which children have an owner.
  function snapshotOwners(): IsOwned {
    const ofLibuv = childrenOfLibuv();
    return (pid) => {
      if (ofLibuv.has(pid)) return true;
      for (const { owns } of participants) if (owns?.(pid) === true) return true;
      return false;
    };
  }

  // Reap the children without one.
  const loop = createOrphanLoop({ snapshotOwners, listChildren: ownChildren, reap });
  function reap(pid: Pid): boolean {
    const onReaped: ((waited: WaitedFor) => void)[] = [];
    for (const { beforeReaping } of participants) if (beforeReaping) onReaped.push(beforeReaping(pid));
    if (isSubscribed('orphan')) onReaped.push(announceOrphan(pid, publishOrphan));
    const waited = waitFor(pid);
    if (waited === undefined) return false;
    reaped++;
    for (const tell of onReaped) tell(waited);
    return true;
  }
  const watch = watchSignals(loop.wake, false);
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
  const defaultActions = isPid1 ? restoreDefaultActions(realTimeSignals()) : undefined;

  // execve(2) keeps the attribute, but the next program does not reap. If the call fails, the app goes on (some versions
  // of node throw): become a subreaper again.
  function onExecve(): void {
    ceaseToBeSubreaper();
    process.nextTick(() => {
      if (participants.size > 0) becomeSubreaper();
    });
  }

  // Reap the orphans that have ended before this, once the caller is done.
  if (peekEnded() !== 'no-children') process.nextTick(loop.reapNow);

  if (isSubscribed('started')) publish(startedEvent());

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
      // After the last participant nobody reaps.
      loop.reapNow();
      participants.delete(participant);
      if (participants.size === 0) stop();
    },
  };
}

/** In a separate tick: subscribers run while nothing is being reaped. */
function publishOrphan(orphan: ReapedOrphan): void {
  process.nextTick(() => publish(orphanEvent(orphan)));
}

function startedEvent(): StartedEvent {
  return {
    event: 'started',
    'process.pid': process.pid,
    'process.executable.name': basename(process.execPath),
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
