import { blockOnlyInThisThread, type SignalWatch, watchSignals } from '../native/signals.ts';
import type { Signal, SignalSet } from '../native/types.ts';
import { faultSignals, forwardedSignals } from '../signals/catchable.ts';
import { type RealTimeRange, signalNumber } from '../signals/signal-names.ts';
import { attempt } from './attempt.ts';
import type { InitOptions } from './options.ts';
import { createSignalLoops } from './signal-loops.ts';
import { signalsToIgnore } from './start-workload.ts';

const SIGCHLD = signalNumber('SIGCHLD');
/**
 * The kernel raises these against init's main thread for its own writes and terminal calls: they must not be forwarded.
 * Those sent to the process still arrive, through node's other threads.
 */
const ofOwnCalls = (['SIGPIPE', 'SIGXFSZ', 'SIGTTIN', 'SIGTTOU'] as const).map(signalNumber);

/** The signals that init gets: held until the workload runs. */
export interface HeldSignals {
  readonly watch: SignalWatch;
  /** Those that init will forward, and that the workload ignores from its start. */
  readonly ignored: readonly Signal[];
  /** Holds one as if it had come. */
  hold(signal: Signal): void;
  /**
   * Watches the ignored ones too, once the workload has inherited that: it may install a handler. Without one init ignores
   * the signal, as the workload does.
   */
  watchIgnored(): void;
  /** Delivers what is held, and from now on each signal that comes. */
  deliverTo(deliver: (signal: Signal) => void): void;
}

/** Catches every signal. Those that the workload will ignore stay ignored: posix_spawn(3) needs that. */
export function holdSignals(
  { catchFaults }: InitOptions,
  ignoredSignals: SignalSet,
  realTime: RealTimeRange,
): HeldSignals {
  const held: Signal[] = [];
  let deliver = (signal: Signal): void => void held.push(signal);
  const watch = watchSignals((signal) => deliver(signal), true, createSignalLoops());
  const faults = catchFaults ? faultSignals() : [];
  const forwarded = [...forwardedSignals(realTime), ...faults];
  const ignored = signalsToIgnore(ignoredSignals).filter((signal) => forwarded.includes(signal));
  for (const signal of [SIGCHLD, ...forwarded]) if (!ignored.includes(signal)) watch.start(signal);
  // The kernel prefers this thread to all others: a flood of real-time signals, none of which replaces another, would
  // interrupt it without end.
  const flooding = forwarded.filter((signal) => signal >= realTime.first);
  // A fault of this thread then ends it, whatever the handler: signal(7). Those sent to the process arrive as well.
  blockOnlyInThisThread([...ofOwnCalls, ...flooding, ...faults]);

  return {
    watch,
    ignored,
    hold: (signal) => void held.push(signal),
    watchIgnored() {
      for (const signal of ignored) attempt(() => watch.start(signal));
    },
    deliverTo(take) {
      deliver = take;
      held.forEach(take);
    },
  };
}
