import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { EventEmitter } from 'node:events';
import { readlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Worker } from 'node:worker_threads';
import { sinceBootMs } from './native/clock.ts';
import { childrenOfLibuv } from './native/event-loop.ts';
import { becomeSubreaper, ceaseToBeSubreaper, isSubreaper } from './native/process.ts';
import { realTimeSignals, watchSignals } from './native/signals.ts';
import type { Pid } from './native/types.ts';
import { peekEnded, type Usage, waitFor } from './native/wait.ts';
import { killAtOnce } from './process-tree/kill-at-once.ts';
import {
  hasEnded,
  msPerTick,
  ownChildren,
  type ProcessInfo,
  readProcess,
} from './process-tree/process-table.ts';
import { createOrphanLoop } from './reaper/orphan-loop.ts';
import { trackOwnChildren } from './reaper/own-children.ts';
import { decodeWaitStatus } from './reaper/wait-status.ts';
import { restoreDefaultActions } from './signals/default-actions.ts';
import { signalName, signalNumber } from './signals/signal-names.ts';
import { setTimeout } from './timers.ts';

/** An orphan that was reaped, and what it had used: getrusage(2). One of `code` and `signal` is null, as in node. */
export interface ReapedOrphan extends Usage {
  readonly pid: number;
  /** The program's name, at most 15 bytes; null without /proc. */
  readonly name: string | null;
  /** What it exited with. */
  readonly code: number | null;
  /** What ended it: "SIGKILL", "SIGRTMIN+3". */
  readonly signal: string | null;
  /** From its start until it was reaped, in milliseconds, to within 10; null without /proc. */
  readonly lifetimeMs: number | null;
}

/** The part of a pino logger that is used. */
export interface Logger {
  debug(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface RegisterOptions {
  /** Called for each orphan once it is reaped, on the event loop. What it throws is an uncaught exception. */
  readonly onReap?: (orphan: ReapedOrphan) => void;
  /**
   * Whether something else in this process waits for a child: a native addon such as node-pty. Asked about children
   * that are not node's own. Must not throw.
   */
  readonly owns?: (pid: number) => boolean;
  /** SIGKILL the adopted orphans, and all below them, when this process ends. As PID 1 the kernel does so anyway. */
  readonly killOrphansOnExit?: boolean;
  /** Takes a debug record for each orphan, and warnings. */
  readonly logger?: Logger;
}

export interface Registration {
  /** How many orphans were reaped during this registration. */
  readonly reaped: number;
  /** The adopted orphans that run now; none after `unregister`. */
  orphans(): ProcessInfo[];
  /** Ends this registration. With the last one the process is again as it was; orphans adopted so far stay children. */
  unregister(): void;
}

/** What the registrations of a process share: also those of another copy of this package, in whatever version. */
interface InProcessReaper {
  add(options: RegisterOptions): Registration;
}

const shared = globalThis as { [key: symbol]: InProcessReaper | undefined };
/** The number is that of the interface above. */
const KEY = Symbol.for('subreaper.in-process-reaper.1');

const SIGCHLD = signalNumber('SIGCHLD');
/** pthread_join(3) returns a moment before the kernel has passed the thread's children on, and no event says when. */
const AFTER_JOIN_MS = 100;

/**
 * Makes this process its own init: it adopts the orphans below it, reaps them beside its own children, none of which
 * it ever touches, and, as PID 1, ends by a signal that the app does not listen to. Nothing of it keeps the event loop
 * alive. May be called any number of times, by any number of copies of this package; in worker threads, and on other
 * systems than Linux, it does nothing.
 *
 * All of it happens on the event loop: while that is blocked, nothing is reaped, and a signal ends the process once it
 * turns again. Worker threads from before are not followed: what they leave behind is reaped with the next child.
 * @throws TypeError for an option that does not exist, or is of the wrong type
 * @throws Error where koffi, a dependency, has no addon for this platform
 */
export function register(options: RegisterOptions = {}): Registration {
  checkOptions(options);
  if (process.platform !== 'linux' || !isMainThread()) {
    options.logger?.debug({}, 'no orphans are reaped here: not Linux, or a worker thread');
    return { reaped: 0, orphans: () => [], unregister: () => {} };
  }
  shared[KEY] ??= startReaper(options.logger);
  return shared[KEY].add(options);
}

/** /proc/thread-self is "PID/task/TID", and the main thread's ID is the pid. */
function isMainThread(): boolean {
  try {
    const [pid, , thread] = readlinkSync('/proc/thread-self').split('/');
    return pid === thread;
  } catch {
    // Without /proc: node's own word for it, which costs a start-up a millisecond.
    return requireHere<typeof import('node:worker_threads')>('node:worker_threads').isMainThread;
  }
}

const optionTypes: Readonly<Record<keyof RegisterOptions, string>> = {
  onReap: 'function',
  owns: 'function',
  killOrphansOnExit: 'boolean',
  logger: 'object',
};

function checkOptions(options: RegisterOptions): void {
  for (const [name, value] of Object.entries(options)) {
    const type = Object.hasOwn(optionTypes, name) ? optionTypes[name as keyof RegisterOptions] : undefined;
    if (type === undefined) {
      const names = Object.keys(optionTypes).join(', ');
      throw new TypeError(`register: there is no option '${name}'; take one of ${names}`);
    }
    if (value !== undefined && (value === null || typeof value !== type)) {
      throw new TypeError(`register: '${name}' is no ${type}; give a ${type}, or leave it out`);
    }
  }
}

function startReaper(logger: Logger | undefined): InProcessReaper {
  const members = new Set<RegisterOptions>();
  let reaped = 0;

  // Know whose a child is, from now on and from before.
  const hasChildren = peekEnded() !== 'no-children';
  const own = trackOwnChildren(hasChildren ? childrenOfLibuv() : [], childrenOfLibuv);
  const isOwned = (pid: Pid) => {
    if (own.has(pid)) return true;
    for (const { owns } of members) if (owns?.(pid) === true) return true;
    return false;
  };

  // Reap what nobody waits for.
  const loop = createOrphanLoop({ isOwned, listChildren: ownChildren, reap });
  function reap(pid: Pid): boolean {
    const observers = [...members].filter(({ onReap, logger }) => onReap ?? logger);
    // A zombie's entry in /proc goes with its status.
    const info = observers.length > 0 ? readProcess(pid) : undefined;
    const waited = waitFor(pid);
    if (waited === undefined) return false;
    reaped++;
    if (observers.length === 0) return true;
    const orphan = describeOrphan(pid, info, waited);
    for (const { onReap, logger } of observers) {
      // Each in a tick of its own: what one of them throws stops neither the others nor the reaping.
      if (onReap) process.nextTick(onReap, orphan);
      if (logger) process.nextTick(() => logger.debug(orphan, 'reaped an orphan'));
    }
    return true;
  }
  const watch = watchSignals(loop.wake, false);
  watch.start(SIGCHLD);

  // What a worker thread leaves behind comes to the main thread, and zombies among it come without a SIGCHLD.
  const onWorker = (message: unknown) => {
    (message as { worker: Worker }).worker.once('exit', () => {
      loop.wake();
      setTimeout(loop.look, AFTER_JOIN_MS).unref();
    });
  };
  subscribe('worker_threads', onWorker);

  // Become a subreaper. PID 1 is one already, and has other duties.
  const isPid1 = process.pid === 1;
  const hasBecomeSubreaper = !isPid1 && tryToBecomeSubreaper(logger);
  const defaultActions = isPid1 ? restoreDefaultActions(realTimeSignals()) : undefined;

  // What ended before is reaped once the caller is done.
  if (hasChildren) process.nextTick(loop.look);

  // No signal may come while node takes its loop down: libuv's handler has nowhere to write to by then, and aborts.
  const emitter: EventEmitter = process;
  let isActive = true;
  function letGo(): void {
    if (!isActive) return;
    isActive = false;
    watch.stop(SIGCHLD);
    watch.release();
    defaultActions?.stop();
  }
  function listenForExit(): void {
    emitter.on('exit', letGo);
    emitter.on('removeListener', keepListening);
  }
  // An app that removes all listeners means its own. It may be about to remove this one as well: hence the tick.
  function keepListening(event: unknown, listener: unknown): void {
    if (event !== 'exit' || listener !== letGo) return;
    process.nextTick(() => {
      emitter.off('removeListener', keepListening);
      if (isActive) listenForExit();
    });
  }
  listenForExit();

  const orphans = () =>
    ownChildren()
      .filter((pid) => !isOwned(pid))
      .map(readProcess)
      .filter((info) => info !== undefined && !hasEnded(info)) as ProcessInfo[];

  function stop(): void {
    emitter.off('removeListener', keepListening);
    emitter.off('exit', letGo);
    letGo();
    loop.stop();
    own.stop();
    unsubscribe('worker_threads', onWorker);
    if (hasBecomeSubreaper) ceaseToBeSubreaper();
    shared[KEY] = undefined;
  }

  return {
    add(options) {
      const member = { ...options };
      members.add(member);
      const reapedBefore = reaped;
      let reapedInAll: number | undefined;
      const forgetExit =
        options.killOrphansOnExit === true && !isPid1 ? onExit(() => killAtOnce(orphans)) : () => {};
      return {
        get reaped() {
          return (reapedInAll ?? reaped) - reapedBefore;
        },
        orphans: () => (reapedInAll === undefined ? orphans() : []),
        unregister() {
          if (reapedInAll !== undefined) return;
          // What has ended by now is reaped: nobody else would do it.
          loop.look();
          reapedInAll = reaped;
          forgetExit();
          members.delete(member);
          if (members.size === 0) stop();
        },
      };
    },
  };
}

/** @returns whether it was not one before */
function tryToBecomeSubreaper(logger: Logger | undefined): boolean {
  try {
    if (isSubreaper()) return false;
    becomeSubreaper();
    return true;
  } catch (error) {
    const message = `this process cannot become a subreaper (${(error as Error).message}), so orphans go to PID 1`;
    if (logger) logger.warn({}, message);
    else process.emitWarning(`subreaper: ${message}; allow prctl in its seccomp profile`);
    return false;
  }
}

function describeOrphan(
  pid: Pid,
  info: ProcessInfo | undefined,
  { status, usage }: { status: number; usage: Usage },
): ReapedOrphan {
  const ended = decodeWaitStatus(status);
  return {
    pid,
    name: info?.name ?? null,
    code: ended.kind === 'exited' ? ended.code : null,
    signal: ended.kind === 'exited' ? null : signalName(ended.signal, realTimeSignals()),
    ...usage,
    lifetimeMs: info === undefined ? null : Math.round(sinceBootMs() - info.startTime * msPerTick),
  };
}

/** signal-exit calls back for process.exit and for every signal that ends the process: loaded by whoever asks for it. */
function onExit(callback: () => void): () => void {
  return requireHere<typeof import('signal-exit')>('signal-exit').onExit(callback);
}

/** For what most processes never need. */
function requireHere<Module>(name: string): Module {
  return createRequire(import.meta.filename)(name);
}
