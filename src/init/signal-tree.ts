import { SystemError } from '../native/system-error.ts';
import type { Signal } from '../native/types.ts';
import { isProcUsable, type ProcessInfo, readProcess, walk } from '../process-tree/process-table.ts';
import { signalProcess } from '../process-tree/signal-process.ts';
import { visitInSlices } from './slices.ts';

/** The result of sending a signal to every descendant. */
interface Delivery {
  readonly sent: number;
  /** EPERM: a process of another user. */
  readonly refused: number;
  /** The reason why /proc did not show all descendants. */
  readonly error?: Error | undefined;
}

/** Sends the signals once to each process below init, in other sessions too. */
export type SignalTree = (signals: readonly Signal[], done: (delivery: Delivery) => void) => void;

/**
 * Finds all descendants before it signals the first one: a descendant that ends would hide its children. A large tree
 * takes longer than a slice. Signals that come meanwhile wait, and the next walk sends them all, in order: so a stop signal
 * behind a flood waits for one walk.
 */
export function createSignalTree(): SignalTree {
  let waiting: Parameters<SignalTree>[] = [];
  let isWalking = false;

  function sendWaiting(): void {
    const batch = waiting;
    waiting = [];
    isWalking = true;
    sendToAll(
      batch.flatMap(([signals]) => signals),
      (delivery) => {
        isWalking = false;
        for (const [, done] of batch) done(delivery);
        if (waiting.length > 0 && !isWalking) sendWaiting();
      },
    );
  }

  return (signals, done) => {
    waiting.push([signals, done]);
    if (!isWalking) sendWaiting();
  };
}

function sendToAll(signals: readonly Signal[], done: (delivery: Delivery) => void): void {
  const found: ProcessInfo[] = [];
  let sent = 0;
  let refused = 0;
  visitInSlices(
    descendants(),
    (info) => found.push(info),
    (error) => {
      visitInSlices(
        found.values(),
        (info) => {
          const outcome = trySignals(info, signals);
          if (outcome === 'sent') sent++;
          if (outcome === 'refused') refused++;
        },
        (failure) => done({ sent, refused, error: error ?? failure }),
      );
    },
  );
}

function* descendants(): Generator<ProcessInfo, void> {
  const self = isProcUsable() ? readProcess(process.pid) : undefined;
  if (self === undefined) throw new Error('/proc does not show the descendants');
  for (const info of walk([self])) if (info.pid !== process.pid) yield info;
}

function trySignals(info: ProcessInfo, signals: readonly Signal[]): 'sent' | 'gone' | 'refused' {
  return unlessRefused(() => signals.every((signal) => signalProcess(info, signal)));
}

/** @param send returns whether the process existed */
export function unlessRefused(send: () => boolean): 'sent' | 'gone' | 'refused' {
  try {
    return send() ? 'sent' : 'gone';
  } catch (error) {
    if (error instanceof SystemError && error.code === 'EPERM') return 'refused';
    throw error;
  }
}
