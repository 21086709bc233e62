import { addressOf, bind, koffi } from './addon.ts';
import { callableFromC } from './callback.ts';
import * as constants from './constants.ts';
import * as layouts from './layouts.ts';
import { type Handle, handleLength, permanentMemory, UV_SIGNAL, uvDefaultLoop, uvUnref } from './libuv.ts';
import type { SignalLoop } from './signal-loop.ts';
import { realTimeMaximum, signalSet, sigset } from './signal-set.ts';
import { checked, uvChecked } from './system-error.ts';
import type { Signal } from './types.ts';

const pthreadSigmaskCall = bind<[number, Buffer, Buffer | null], number>(
  'int pthread_sigmask(int, void *, void *)',
);
const signalCall = bind<[number, bigint], bigint>('intptr_t signal(int, intptr_t)');

/**
 * Blocks these signals in the calling thread and no others, pthread_sigmask(3). The kernel delivers signals for the process
 * to a thread that does not block them. node leaves SIGUSR1 blocked everywhere if it has no thread for its inspector.
 */
export function blockOnlyInThisThread(signals: readonly Signal[]): void {
  pthreadSigmaskCall(constants.SIG_SETMASK, sigset(signalSet(signals)), null);
}

/** What the C library says of a signal, in its words: strsignal(3). */
export const describeSignal = bind<[Signal], string>('str strsignal(int)');

/** Runs something while no signal is delivered to the calling thread. */
export function withSignalsBlocked<Result>(run: () => Result): Result {
  const before = Buffer.alloc(layouts.sizeofSigset);
  pthreadSigmaskCall(constants.SIG_BLOCK, Buffer.alloc(layouts.sizeofSigset, 0xff), before);
  try {
    return run();
  } finally {
    pthreadSigmaskCall(constants.SIG_SETMASK, before, null);
  }
}

const SIG_DFL = 0n;
const SIG_IGN = 1n;

/** Ignores a signal, SIG_IGN of signal(2): the only disposition besides the default that execve(2) preserves. */
export function ignoreSignal(signal: Signal): void {
  signalCall(signal, SIG_IGN);
}

/**
 * Gives a signal its default action back, SIG_DFL of signal(2), and blocks none in the calling thread: a signal that the
 * thread then sends to its own process acts before kill(2) returns.
 */
export function takeDefaultAction(signal: Signal): void {
  signalCall(signal, SIG_DFL);
  blockOnlyInThisThread([]);
}

const sigactionCall = bind<[number, Buffer | null, Buffer | null], number>(
  'int sigaction(int, void *, void *)',
);

/**
 * Ignores signals while something runs, and puts their handlers back: sigaction(2). A process that starts meanwhile
 * ignores them too. None of them has its default action for a moment.
 */
export function whileIgnoring<Result>(signals: readonly Signal[], run: () => Result): Result {
  const ignore = Buffer.alloc(layouts.sizeofSigaction);
  // The handler comes first in a struct sigaction.
  ignore.writeBigUInt64LE(SIG_IGN);
  const before = signals.map((signal) => {
    const action = Buffer.alloc(layouts.sizeofSigaction);
    sigactionCall(signal, ignore, action);
    return action;
  });
  try {
    return run();
  } finally {
    signals.forEach((signal, index) => {
      sigactionCall(signal, before[index] as Buffer, null);
    });
  }
}

/**
 * Makes the kernel reap children as they end, or leaves them to wait(2) again: SA_NOCLDWAIT of sigaction(2). The handler
 * of SIGCHLD stays, and still runs for each child. Existing zombies stay; later statuses are lost. Installing another
 * handler clears the flag.
 */
export function setNoChildWait(isOn: boolean): void {
  const action = Buffer.alloc(layouts.sizeofSigaction);
  checked('sigaction', sigactionCall(constants.SIGCHLD, null, action));
  const flags = action.readInt32LE(layouts.sigactionFlagsOffset);
  action.writeInt32LE(
    isOn ? flags | constants.SA_NOCLDWAIT : flags & ~constants.SA_NOCLDWAIT,
    layouts.sigactionFlagsOffset,
  );
  checked('sigaction', sigactionCall(constants.SIGCHLD, action, null));
}

const uvSignalInit = bind<[unknown, Handle], number>('int uv_signal_init(void *, void *)');
const uvSignalStart = bind<[Handle, bigint, number], number>('int uv_signal_start(void *, void *, int)');
const uvSignalStop = bind<[Handle], number>('int uv_signal_stop(void *)');

/**
 * The places of fields of uv_signal_t, from its end: signum, a tree entry, caught_signals, dispatched_signals. They are as
 * good as public: libuv does not change its structures within a major version. If signum is not in its place, the others
 * are not believed: a signal that they tell of would end the app. No public call tells them.
 */
const [SIGNUM, CAUGHT_SIGNALS, DISPATCHED_SIGNALS] = [-12, -2, -1] as const;

interface Watched {
  readonly handle: Handle;
  readonly loop: SignalLoop | undefined;
  readonly deliver: (signal: Signal) => void;
}

/** Each signal has one watch at a time, and one handle for good: an app may register as often as it likes. */
const watched = new Map<Signal, Watched>();
/** The handles, by their signals' numbers. */
let slab: Uint32Array | undefined;
let onSignal: bigint | undefined;

export type SignalWatch = ReturnType<typeof watchSignals>;

/**
 * Watches signals with libuv's own uv_signal_t. `process.on` does the same for named signals at twice the cost, and
 * does not support real-time signals. libuv's handler writes one message per delivery to a pipe, so `deliver` runs once
 * for each, on the loop and never inside a system call. Without a signal the handles wake nothing.
 *
 * `deliver` must not rely on process.nextTick or promises, as in pollReadable.
 * @param loopFor for init, which the watch keeps running: the loop whose pipe a signal uses, asked once for each signal;
 *   undefined for node's own. An app has none, and ends as if nothing were watched
 */
export function watchSignals(
  deliver: (signal: Signal) => void,
  loopFor?: (signal: Signal) => SignalLoop | undefined,
) {
  onSignal ??= callableFromC(['void *', 'int'], (_handle: unknown, signal: number) =>
    watched.get(signal as Signal)?.deliver(signal as Signal),
  );
  const callback = onSignal;
  const length = handleLength(UV_SIGNAL);
  slab ??= new Uint32Array(permanentMemory(4 * length * (realTimeMaximum + 1)));
  const handles = slab;
  const loops = new Set<SignalLoop>();
  let runsLoops = false;

  function open(signal: Signal, handle: Handle, loop: SignalLoop | undefined): void {
    uvChecked('uv_signal_init', uvSignalInit(loop?.memory ?? uvDefaultLoop(), handle));
    if (loopFor === undefined) {
      uvUnref(handle);
      // The app may end in any way. A delivery after koffi is unloaded would crash it.
      stopSignalAtCleanup(handle);
    }
    uvChecked('uv_signal_start', uvSignalStart(handle, callback, signal));
    watched.set(signal, { handle, loop, deliver });
  }

  /** If node's loop cannot poll this one (ENOSPC, ENOMEM), its signals move to node's. Those in its pipe are lost. */
  function runLoop(loop: SignalLoop): void {
    try {
      loop.read(deliver, isHandleOf);
    } catch {
      for (const [signal, { loop: own }] of watched) {
        if (own !== loop) continue;
        stop(signal);
        // The loop still has the old handle in its list.
        open(signal, new Uint32Array(permanentMemory(4 * length)), undefined);
      }
    }
  }

  /** Installs a handler for the signal. @throws SystemError EINVAL for a signal that cannot be caught */
  function start(signal: Signal): void {
    const known = watched.get(signal);
    if (known !== undefined) {
      watched.set(signal, { ...known, deliver });
      uvChecked('uv_signal_start', uvSignalStart(known.handle, callback, signal));
      return;
    }
    const loop = loopFor?.(signal);
    open(signal, handles.subarray(signal * length, (signal + 1) * length), loop);
    if (loop === undefined || loops.has(loop)) return;
    loops.add(loop);
    if (runsLoops) runLoop(loop);
  }

  /**
   * Removes the handler: the default action is back, unless another handle watches the signal too.
   * @returns for a signal of node's own loop, whether it was caught before that but not delivered yet; it never will be
   */
  function stop(signal: Signal): boolean {
    const handle = watched.get(signal)?.handle;
    if (handle === undefined) return false;
    const isKnown = handle.at(SIGNUM) === signal;
    uvSignalStop(handle);
    // Nothing is caught any more, so they are final.
    return isKnown && handle.at(CAUGHT_SIGNALS) !== handle.at(DISPATCHED_SIGNALS);
  }

  /**
   * Begins to deliver the signals of loops other than node's; until then they wait in their pipes. Separate from `start`
   * to keep it out of start-up.
   */
  function runLoops(): void {
    runsLoops = true;
    for (const loop of loops) runLoop(loop);
  }

  return { start, stop, runLoops };
}

function isHandleOf(address: bigint, signal: Signal): boolean {
  const handle = watched.get(signal)?.handle;
  return handle !== undefined && koffi().address(handle) === address;
}

type Pointer = unknown;

// node.h and v8.h are C++, so the names are mangled. Addons rely on them since Node 10.
const isolateGetCurrent = bind<[], Pointer>('void *_ZN2v87Isolate10GetCurrentEv(void)');
const addEnvironmentCleanupHook = bind<[Pointer, Pointer, Uint32Array], void>(
  'void _ZN4node25AddEnvironmentCleanupHookEPN2v87IsolateEPFvPvES3_(void *, void *, void *)',
);

let isolate: Pointer;
let uvSignalStopAddress: Pointer;

/**
 * Makes node stop a handle when it ends its environment, node::AddEnvironmentCleanupHook: after the last JavaScript, and
 * before it unloads its addons, koffi included.
 */
function stopSignalAtCleanup(handle: Handle): void {
  // Look them up once: PID 1 has 44 handles.
  isolate ??= isolateGetCurrent();
  uvSignalStopAddress ??= addressOf('uv_signal_stop');
  addEnvironmentCleanupHook(isolate, uvSignalStopAddress, handle);
}
