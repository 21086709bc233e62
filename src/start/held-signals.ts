import { attempt, orUndefined } from '../native/attempt.ts';
import { createSignalLoop, type SignalLoop } from '../native/signal-loop.ts';
import { blockOnlyInThisThread, watchSignals } from '../native/signals.ts';
import type { Signal, SignalSet } from '../native/types.ts';
import { faultSignals, forwardedSignals } from '../signals/catchable.ts';
import { SIGCHLD } from '../signals/numbers.ts';
import { realTimeRange, signalNumber } from '../signals/signal-names.ts';
import { signalsToIgnore } from './start-workload.ts';

/**
 * The kernel raises these against init's main thread for its own writes and terminal calls: they must not be forwarded.
 * Those sent to the process still arrive, through node's other threads.
 */
const ofOwnCalls = (['SIGPIPE', 'SIGXFSZ', 'SIGTTIN', 'SIGTTOU'] as const).map(signalNumber);

/** Other signals must never drown these. */
const urgent = (['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGCONT'] as const).map(signalNumber);
/** The largest pipe that an unprivileged user may have, pipe(7): 65,536 messages. */
const LARGE_PIPE = 1 << 20;
/** The smallest: a user's pipes may not take more than 16,384 pages in all, of every container on the machine. */
const SMALL_PIPE = 1 << 12;

export type HeldSignals = ReturnType<typeof holdSignals>;

/**
 * Catches every signal, and holds it until the workload runs. Those that the workload will ignore stay ignored:
 * posix_spawn(3) needs that.
 * @param catchFaults whether init also catches and forwards the signals that the kernel raises for faults
 */
export function holdSignals(catchFaults: boolean, ignoredSignals: SignalSet) {
  const held: Signal[] = [];
  let deliver = (signal: Signal): void => void held.push(signal);
  const watch = watchSignals((signal) => deliver(signal), signalPipes());
  const faults = catchFaults ? faultSignals() : [];
  const forwarded = [...forwardedSignals(), ...faults];
  const ignored = signalsToIgnore(ignoredSignals).filter((signal) => forwarded.includes(signal));
  for (const signal of [SIGCHLD, ...forwarded]) if (!ignored.includes(signal)) watch.start(signal);
  // The kernel prefers this thread to all others: a flood of real-time signals, none of which replaces another, would
  // interrupt it without end.
  const flooding = forwarded.filter((signal) => signal >= realTimeRange().first);
  // A fault of this thread then ends it, whatever the handler: signal(7). Those sent to the process arrive as well.
  blockOnlyInThisThread([...ofOwnCalls, ...flooding, ...faults]);

  return {
    watch,
    /** Those that init will forward, and that the workload ignores from its start. */
    ignored,
    /** Holds one as if it had come. */
    hold: (signal: Signal) => void held.push(signal),
    /** Watches the ignored ones too, once the workload has inherited that: it may install a handler. */
    watchIgnored() {
      // It stays ignored, as by the workload.
      for (const signal of ignored) attempt(() => watch.start(signal));
    },
    /** Delivers what is held, and from now on each signal that comes. */
    deliverTo(take: (signal: Signal) => void) {
      deliver = take;
      held.forEach(take);
    },
  };
}

/**
 * Chooses the libuv pipe of each signal. libuv drops messages if a pipe is full, so these rules decide what may be lost:
 * - Each urgent signal has its own small pipe. A full pipe holds this very signal, so it is never lost behind others.
 *   Several of a kind may become one, like the kernel's pending signals.
 * - SIGCHLD has node's own pipe. It may be lost: init reaps after every signal that it reads.
 * - All others, real-time signals included, share a large pipe. Each arrives as often as it was sent, unless more than
 *   65,536 come at one stretch, or the user's pipes take too many pages already.
 */
function signalPipes(): (signal: Signal) => SignalLoop | undefined {
  // EMFILE: its signals use the large pipe, or node's.
  const loopWith = (pipeSize: number) => orUndefined(() => createSignalLoop(pipeSize));
  const shared = loopWith(LARGE_PIPE);
  return (signal) => {
    if (signal === SIGCHLD) return undefined;
    return urgent.includes(signal) ? (loopWith(SMALL_PIPE) ?? shared) : shared;
  };
}
