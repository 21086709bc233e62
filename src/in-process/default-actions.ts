import type { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { resetTerminalModes } from '../native/event-loop.ts';
import { exitNow } from '../native/process.ts';
import { watchSignals } from '../native/signals.ts';
import type { Signal } from '../native/types.ts';
import type { RealTimeRange } from '../signals/signal-names.ts';

/**
 * The signals whose default action ends a process, signal(7), but for those that node or V8 have a use for: USR1 (the
 * inspector), PIPE and XFSZ (ignored), PROF (the profiler). Faults (SEGV and the like) end PID 1 without help. Numbers,
 * of x64 and arm64, since a table of all names is nothing that an app's start needs.
 */
export const terminatingSignals = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGUSR2: 12,
  SIGALRM: 14,
  SIGTERM: 15,
  SIGSTKFLT: 16,
  SIGXCPU: 24,
  SIGVTALRM: 26,
  SIGIO: 29,
  SIGPOLL: 29,
  SIGPWR: 30,
} as const;

const names = Object.keys(terminatingSignals) as (keyof typeof terminatingSignals)[];

interface DefaultActions {
  stop(): void;
}

/** Those that node has a handler for even if nobody listens: it resets the terminal and re-raises. */
const caughtByNode: readonly number[] = [terminatingSignals.SIGINT, terminatingSignals.SIGTERM];

/**
 * Gives PID 1 the default actions that the kernel withholds from it, kill(2): a signal that the app does not listen to
 * ends the process with 128 + N, as it would any other. Not with a listener of its own: code that asks who listens,
 * signal-exit in all its versions, must find nobody but the app. Its re-raise, which PID 1 survives, ends here too.
 *
 * It counts who listened when the signal came, not when it is delivered after whatever the event loop is busy with. An
 * app that exits before that ends with its own status: only an 'exit' listener, which the app would see, could tell.
 */
export function restoreDefaultActions(realTime: RealTimeRange): DefaultActions {
  const isListenedTo = (signal: Signal) =>
    // Nobody can listen to a real-time signal: node has no name for it.
    signal < realTime.first &&
    names.some((name) => terminatingSignals[name] === signal && process.listenerCount(name) > 0);
  const signals = new Set(Object.values<number>(terminatingSignals) as Signal[]);
  for (let number: number = realTime.first; number <= realTime.last; number++) signals.add(number as Signal);
  // A handler that is neither a listener's nor node's is a native addon's: libuv's would replace it.
  for (const signal of caughtSignals()) {
    if (!caughtByNode.includes(signal) && !isListenedTo(signal)) signals.delete(signal);
  }
  const watch = watchSignals(end, false);
  const stopWatching = (signal: Signal) => {
    if (watch.stop(signal)) end(signal);
  };

  // Before node's own listener, which takes the handler away as the last listener goes: no gap between the two.
  const onRemoved = (event: string | symbol) => {
    const signal = numberOf(event);
    if (signal !== undefined && signals.has(signal) && !isListenedTo(signal)) watch.start(signal);
  };
  // After node's own listener, which installs a handler for the first listener: no gap either.
  const onNew = (event: string | symbol) => {
    const signal = numberOf(event);
    if (signal !== undefined && !isListenedTo(signal)) stopWatching(signal);
  };
  const emitter: EventEmitter = process;
  emitter.prependListener('removeListener', onRemoved);
  emitter.on('newListener', onNew);
  for (const signal of signals) if (!isListenedTo(signal)) watch.start(signal);

  return {
    stop() {
      emitter.off('removeListener', onRemoved);
      emitter.off('newListener', onNew);
      for (const signal of signals) stopWatching(signal);
      watch.release();
    },
  };
}

/** The number of one of the signals above. */
function numberOf(event: string | symbol): Signal | undefined {
  return Object.hasOwn(terminatingSignals, event)
    ? (terminatingSignals[event as keyof typeof terminatingSignals] as Signal)
    : undefined;
}

/** What node does before a signal ends it, and the end: no 'exit' event, as for any process that a signal ends. */
function end(signal: Signal): never {
  resetTerminalModes();
  return exitNow(128 + signal);
}

/** The signals that this process has a handler for, SigCgt of proc_pid_status(5). */
function caughtSignals(): Signal[] {
  const caught: Signal[] = [];
  try {
    const [, digits] = /^SigCgt:\s*(\w+)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
    let rest = BigInt(`0x${digits ?? 0}`);
    for (let number = 1; rest > 0n; number++, rest >>= 1n) if (rest & 1n) caught.push(number as Signal);
  } catch {
    // Without /proc: as if there were none.
  }
  return caught;
}
