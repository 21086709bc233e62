import { bind, detectLibc, koffi } from './addon.ts';
import { safeForC } from './callback.ts';
import * as constants from './constants.ts';
import { stopSignalAtCleanup } from './environment-cleanup.ts';
import * as layouts from './layouts.ts';
import { type Handle, handleLength, UV_SIGNAL, uvDefaultLoop, uvUnref } from './libuv.ts';
import { permanentMemory } from './permanent-memory.ts';
import type { SignalLoop } from './signal-loop.ts';
import { signalSet, sigset } from './signal-set.ts';
import { checked, uvChecked } from './system-error.ts';
import type { Signal } from './types.ts';

/** The first real-time signal that a program may use: the C library reserves those below, signal(7). */
export const realTimeMinimum = { glibc: 34, musl: 35 } as const;
/** The last real-time signal, as in the kernel's _NSIG. */
export const realTimeMaximum = 64;

/** SIGRTMIN and SIGRTMAX of this C library, signal(7). */
export function realTimeSignals(): { readonly first: Signal; readonly last: Signal } {
  return { first: realTimeMinimum[detectLibc()] as Signal, last: realTimeMaximum as Signal };
}

const pthreadSigmaskCall = /* @__PURE__ */ bind<[number, Buffer, Buffer | null], number>(
  'int pthread_sigmask(int, void *, void *)',
);
const signalCall = /* @__PURE__ */ bind<[number, bigint], bigint>('intptr_t signal(int, intptr_t)');

/**
 * Blocks these signals in the calling thread and no others, pthread_sigmask(3). The kernel delivers signals for the process
 * to a thread that does not block them. node leaves SIGUSR1 blocked everywhere if it has no thread for its inspector.
 */
export function blockOnlyInThisThread(signals: readonly Signal[]): void {
  pthreadSigmaskCall(constants.SIG_SETMASK, sigset(signalSet(signals)), null);
}

const strsignalCall = /* @__PURE__ */ bind<[number], string>('str strsignal(int)');

/** What the C library says of a signal, in its words: strsignal(3). */
export function describeSignal(signal: Signal): string {
  return strsignalCall(signal);
}

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

const sigactionCall = /* @__PURE__ */ bind<[number, Buffer | null, Buffer | null], number>(
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

export interface SignalWatch {
  /** Installs a handler for the signal. @throws SystemError EINVAL for a signal that cannot be caught */
  start(signal: Signal): void;
  /**
   * Removes the handler: the default action is back, unless another handle watches the signal too.
   * @returns for a signal of node's own loop, whether it was caught before that but not delivered yet; it never will be
   */
  stop(signal: Signal): boolean;
  /**
   * Begins to deliver the signals of loops other than node's; until then they wait in their pipes. Separate from `start`
   * to keep it out of start-up.
   */
  runLoops(): void;
  /** Ends a watch whose signals are all stopped. The next watch reuses its libuv handles and its koffi callback. */
  release(): void;
}

const uvSignalInit = /* @__PURE__ */ bind<[unknown, Handle], number>('int uv_signal_init(void *, void *)');
const uvSignalStart = /* @__PURE__ */ bind<[Handle, bigint, number], number>(
  'int uv_signal_start(void *, void *, int)',
);
const uvSignalStop = /* @__PURE__ */ bind<[Handle], number>('int uv_signal_stop(void *)');

/** koffi has room for a few thousand callbacks, and a test suite may register as often. By `keepsLoopAlive`. */
const released = { true: [] as Reusable[], false: [] as Reusable[] };

interface Reusable {
  readonly watch: SignalWatch;
  deliver: (signal: Signal) => void;
}

/**
 * Watches signals with libuv's own uv_signal_t. `process.on` does the same for named signals at twice the cost, and
 * does not support real-time signals. libuv's handler writes one message per delivery to a pipe, so `deliver` runs once
 * for each, on the loop and never inside a system call. Without a signal the handles wake nothing.
 *
 * `deliver` must not rely on process.nextTick or promises: libuv calls it directly, and not through node, which runs those
 * queues.
 * @param keepsLoopAlive whether a watched signal keeps an otherwise idle process running
 * @param loopFor the loop whose pipe a signal uses, called once for each signal; undefined for node's own
 */
export function watchSignals(
  deliver: (signal: Signal) => void,
  keepsLoopAlive: boolean,
  loopFor: (signal: Signal) => SignalLoop | undefined = () => undefined,
): SignalWatch {
  const reused = released[`${keepsLoopAlive}`].pop();
  if (reused !== undefined) {
    reused.deliver = deliver;
    return reused.watch;
  }
  // The prototype has no name: koffi accepts a name once, and a process may have several watches.
  const callback = koffi().register(
    safeForC((_handle: unknown, signal: number) => reusable.deliver(signal as Signal)),
    koffi().pointer(koffi().proto('void', ['void *', 'int'])),
  );
  const length = handleLength(UV_SIGNAL);
  const slab = new Uint32Array(permanentMemory(4 * length * (realTimeMaximum + 1)));
  const handles = new Map<Signal, Handle>();
  /** The signals of each loop beside node's. */
  const loops = new Map<SignalLoop, Signal[]>();
  let runsLoops = false;

  function open(signal: Signal, handle: Handle, loop: SignalLoop | undefined): void {
    uvChecked('uv_signal_init', uvSignalInit(loop?.memory ?? uvDefaultLoop(), handle));
    if (!keepsLoopAlive && loop === undefined) {
      uvUnref(handle);
      // The app may end in any way. A delivery after koffi is unloaded would crash it.
      stopSignalAtCleanup(handle);
    }
    uvChecked('uv_signal_start', uvSignalStart(handle, callback, signal));
    handles.set(signal, handle);
  }

  /** If node's loop cannot poll this one (ENOSPC, ENOMEM), its signals move to node's. Those in its pipe are lost. */
  function runLoop(loop: SignalLoop, signals: readonly Signal[]): void {
    try {
      loop.read((signal) => reusable.deliver(signal), keepsLoopAlive);
    } catch {
      for (const signal of signals) {
        watch.stop(signal);
        // The loop still has the old handle in its list.
        open(signal, new Uint32Array(permanentMemory(4 * length)), undefined);
      }
    }
  }

  const watch: SignalWatch = {
    start(signal) {
      let handle = handles.get(signal);
      if (handle !== undefined) {
        uvChecked('uv_signal_start', uvSignalStart(handle, callback, signal));
        return;
      }
      handle = slab.subarray(signal * length, (signal + 1) * length);
      const loop = loopFor(signal);
      open(signal, handle, loop);
      if (loop === undefined) return;
      const others = loops.get(loop);
      loops.set(loop, [...(others ?? []), signal]);
      if (runsLoops && others === undefined) runLoop(loop, [signal]);
    },
    runLoops() {
      runsLoops = true;
      for (const [loop, signals] of loops) runLoop(loop, signals);
    },
    stop(signal) {
      const handle = handles.get(signal);
      if (handle === undefined) return false;
      uvSignalStop(handle);
      // The last two fields of uv_signal_t are caught_signals and dispatched_signals. They are as good as public: libuv
      // does not change its structures within a major version. Nothing is caught any more, so they are final.
      return handle.at(-2) !== handle.at(-1);
    },
    release() {
      released[`${keepsLoopAlive}`].push(reusable);
    },
  };
  const reusable: Reusable = { watch, deliver };
  return watch;
}
