import type { EventEmitter } from 'node:events';
import { resetTerminalModes } from '../native/libuv.ts';
import { exitNow } from '../native/process.ts';
import { inSignalSet, signalSet } from '../native/signal-set.ts';
import { watchSignals } from '../native/signals.ts';
import type { Signal } from '../native/types.ts';
import { readSignalHandling } from '../process-tree/signal-handling.ts';
import { realTimeRange, signalName } from '../signals/signal-names.ts';
import { isSubscribed, publish } from './channels.ts';

/**
 * The signals whose default action ends a process, signal(7), except those that node or V8 use: USR1 (the inspector),
 * PIPE and XFSZ (ignored), PROF (the profiler). Faults (SEGV and the like) end PID 1 without help. The numbers are those
 * of x64 and arm64: app start-up does not need the full name table.
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

/** Node handles these even without a listener: it resets the terminal and re-raises. */
const caughtByNode: readonly number[] = [terminatingSignals.SIGINT, terminatingSignals.SIGTERM];

/**
 * Gives PID 1 the default actions that the kernel withholds from it, kill(2): a signal that the app does not listen to
 * ends the process with 128 + N, as it ends any other process. This adds no listener: code that counts listeners,
 * signal-exit in all its versions, must find only the app's. signal-exit's re-raise, which PID 1 survives, ends it too.
 *
 * The listeners at the time of the signal count, not those at its delivery, which a busy event loop delays. An app that
 * exits before the delivery ends with its own status. Only an 'exit' listener could change that: the app would see it.
 * @returns a function that takes them back
 */
export function restoreDefaultActions(): () => void {
  const realTime = realTimeRange();
  const isListenedTo = (signal: Signal) =>
    // An app cannot listen to a real-time signal: node has no name for it.
    signal < realTime.first &&
    names.some((name) => terminatingSignals[name] === signal && process.listenerCount(name) > 0);
  const signals = new Set(Object.values<number>(terminatingSignals) as Signal[]);
  for (let number: number = realTime.first; number <= realTime.last; number++) signals.add(number as Signal);
  // Any other handler belongs to a native addon. libuv's handler would replace it. Without /proc, assume none.
  const caught = readSignalHandling('self')?.caught ?? signalSet([]);
  for (const signal of signals) {
    const isAddons = inSignalSet(caught, signal) && !caughtByNode.includes(signal) && !isListenedTo(signal);
    if (isAddons) signals.delete(signal);
  }
  const watch = watchSignals(end);
  const stopWatching = (signal: Signal) => {
    if (watch.stop(signal)) end(signal);
  };

  // Runs before node's own listener, which removes the handler with the last listener: no gap between the two.
  const onRemoved = (event: string | symbol) => {
    const signal = numberOf(event);
    if (signal !== undefined && signals.has(signal) && !isListenedTo(signal)) watch.start(signal);
  };
  // Runs after node's own listener, which installs a handler for the first listener: no gap either.
  const onNew = (event: string | symbol) => {
    const signal = numberOf(event);
    if (signal !== undefined && !isListenedTo(signal)) stopWatching(signal);
  };
  const emitter: EventEmitter = process;
  emitter.prependListener('removeListener', onRemoved);
  emitter.on('newListener', onNew);
  for (const signal of signals) if (!isListenedTo(signal)) watch.start(signal);

  return () => {
    emitter.off('removeListener', onRemoved);
    emitter.off('newListener', onNew);
    for (const signal of signals) stopWatching(signal);
  };
}

/** The number of a signal in terminatingSignals; undefined for any other event. */
function numberOf(event: string | symbol): Signal | undefined {
  return Object.hasOwn(terminatingSignals, event)
    ? (terminatingSignals[event as keyof typeof terminatingSignals] as Signal)
    : undefined;
}

/** Ends the process as node does on a signal: it resets the terminal, and emits no 'exit' event. */
function end(signal: Signal): never {
  resetTerminalModes();
  const status = 128 + signal;
  if (isSubscribed('exit')) {
    publish({ event: 'exit', 'process.exit.code': status, signal: signalName(signal) });
  }
  return exitNow(status);
}
