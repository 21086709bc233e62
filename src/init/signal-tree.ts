import { SystemError } from '../native/system-error.ts';
import { now } from '../native/timers.ts';
import type { Pid, Signal } from '../native/types.ts';
import {
  identity,
  isProcUsable,
  type ProcessInfo,
  readProcess,
  walkInSteps,
} from '../process-tree/process-table.ts';
import { readSignalHandling } from '../process-tree/signal-handling.ts';
import { type Send, signalProcessOften } from '../process-tree/signal-process.ts';
import { runInSlices } from './slices.ts';

/** The result of sending signals to every descendant. */
interface Delivery {
  /** How many were sent. */
  readonly sent: number;
  /** EPERM: a process of another user. */
  readonly refused: number;
  /** Why some descendants may not have got them: /proc did not show all. */
  readonly error?: Error | undefined;
  /** Whether init tries again to reach those. */
  readonly isRetried: boolean;
}

/** Sends signals once to each process below init, in other sessions too. */
export interface SignalTree {
  /** @param done called after the first attempt, and once more at the end if that is retried */
  send(signals: readonly Signal[], done: (delivery: Delivery) => void): void;
  /** Drops what is not sent yet. */
  forget(): void;
}

/** Whom init reaches without /proc. */
export interface WithoutProc {
  /** undefined once it has ended. */
  workload(): Pid | undefined;
  readonly signalWorkload: Send;
  /**
   * Signals as many descendants as init can.
   * @returns the process group that got it, or 'everybody'
   * @throws SystemError EPERM
   */
  signalMost(signal: Signal): Pid | 'everybody' | undefined;
}

/** Signals on their way. */
interface Order {
  readonly signals: readonly Signal[];
  readonly done: (delivery: Delivery) => void;
  /** When init gives up. */
  readonly untilMs: number;
  sent: number;
  refused: number;
  /** Whom an attempt has reached that failed: the identities of processes, and a whole group. */
  met: ReadonlySet<string>;
  group: Pid | 'everybody' | undefined;
  hasFailed: boolean;
}

const FIRST_RETRY_MS = 10;
const LONGEST_RETRY_MS = 500;
/** How many signals one process gets before init looks at the clock. */
const MOST_AT_ONCE = 64;
const nobody: ReadonlySet<string> = new Set();

/**
 * Finds all descendants before it signals the first one: a descendant that ends would hide its children. A large tree
 * takes longer than a slice. Signals that come meanwhile wait, and the next walk sends them all, in order: so a stop signal
 * behind a flood waits for one walk.
 *
 * If /proc cannot be read (EMFILE, ENFILE, ENOMEM), the signals go to those whom init reaches without it, and the walk is
 * repeated for the others.
 * @param patienceMs for how long
 */
export function createSignalTree(patienceMs: number, withoutProc: WithoutProc): SignalTree {
  let waiting: Order[] = [];
  /** What an attempt could not finish. */
  let unfinished: Order[] = [];
  let isBusy = false;
  let cancel = () => {};
  let retryTimer: NodeJS.Timeout | undefined;
  let retryMs = FIRST_RETRY_MS;

  function sendWaiting(): void {
    const orders = waiting;
    waiting = [];
    isBusy = true;
    cancel = runInSlices(sendToAll(orders, withoutProc), (error) => {
      isBusy = false;
      if (error === undefined) retryMs = FIRST_RETRY_MS;
      for (const order of orders) settle(order, error);
      if (waiting.length > 0) sendWaiting();
    });
  }

  function settle(order: Order, error: Error | undefined): void {
    const isRetried = error !== undefined && order.group !== 'everybody' && now() < order.untilMs;
    const isNews = !order.hasFailed || !isRetried;
    if (isRetried) retry(order);
    const { sent, refused } = order;
    if (isNews)
      order.done({ sent, refused, error: order.group === 'everybody' ? undefined : error, isRetried });
  }

  function retry(order: Order): void {
    order.hasFailed = true;
    unfinished.push(order);
    if (retryTimer !== undefined) return;
    retryTimer = setTimeout(() => {
      retryTimer = undefined;
      waiting = [...unfinished, ...waiting];
      unfinished = [];
      if (!isBusy) sendWaiting();
    }, retryMs);
    retryMs = Math.min(2 * retryMs, LONGEST_RETRY_MS);
  }

  return {
    send(signals, done) {
      const untilMs = now() + patienceMs;
      waiting.push({
        ...{ signals, done, untilMs, sent: 0, refused: 0 },
        ...{ met: nobody, group: undefined, hasFailed: false },
      });
      if (!isBusy) sendWaiting();
    },
    forget() {
      cancel();
      clearTimeout(retryTimer);
      retryTimer = undefined;
      retryMs = FIRST_RETRY_MS;
      waiting = [];
      unfinished = [];
      isBusy = false;
    },
  };
}

/** @throws Error if /proc does not show all of them; those that it shows have got the signals then */
function* sendToAll(orders: readonly Order[], withoutProc: WithoutProc): Generator<void, void> {
  const found: ProcessInfo[] = [];
  let error: unknown;
  try {
    for (const some of belowInit()) {
      found.push(...some);
      yield;
    }
  } catch (failure) {
    error = failure;
  }
  const workload = withoutProc.workload();
  if (error !== undefined) sendToMost(orders, withoutProc);
  else if (workload !== undefined && !found.some(({ pid }) => pid === workload)) {
    // /proc may hide the processes of other users: hidepid of proc(5).
    for (const order of orders) {
      if (order.group === undefined) count(order, withoutProc.signalWorkload);
    }
  }
  const met: ProcessInfo[] = [];
  for (const info of found) {
    try {
      yield* sendTo(
        info,
        orders.filter((order) => !hasGot(order, info)),
      );
      met.push(info);
    } catch (failure) {
      error = failure;
    }
  }
  if (error === undefined) return;
  for (const order of orders) addMet(order, met);
  throw error;
}

function* belowInit(): Generator<readonly ProcessInfo[], void> {
  const self = isProcUsable() ? readProcess(process.pid) : undefined;
  if (self === undefined) throw new Error('/proc does not show the descendants');
  for (const some of walkInSteps([self])) yield some.filter(({ pid }) => pid !== process.pid);
}

function sendToMost(orders: readonly Order[], withoutProc: WithoutProc): void {
  for (const order of orders) {
    // An attempt that met some processes began with the workload.
    if (order.group !== undefined || order.met.size > 0) continue;
    count(order, (signal) => {
      order.group = withoutProc.signalMost(signal);
      return order.group !== undefined;
    });
  }
}

function* sendTo(info: ProcessInfo, orders: readonly Order[]): Generator<void, void> {
  for (let first = 0; first < orders.length; first += MOST_AT_ONCE) {
    try {
      signalProcessOften(info, (send) => {
        for (const order of orders.slice(first, first + MOST_AT_ONCE)) count(order, send);
      });
    } catch (error) {
      for (const order of orders.slice(0, first)) addMet(order, [info]);
      throw error;
    }
    yield;
  }
}

function count(order: Order, send: Send): void {
  for (const signal of order.signals) {
    const outcome = unlessRefused(() => send(signal));
    if (outcome === 'sent') order.sent++;
    if (outcome === 'refused') order.refused++;
  }
}

function hasGot({ met, group }: Order, info: ProcessInfo): boolean {
  if (group === 'everybody' || (met.size > 0 && met.has(identity(info)))) return true;
  return group !== undefined && readSignalHandling(info.pid)?.group === group;
}

function addMet(order: Order, infos: readonly ProcessInfo[]): void {
  order.met = new Set([...order.met, ...infos.map(identity)]);
}

/** @param send returns whether the process existed */
export function unlessRefused(send: () => boolean): 'sent' | 'gone' | 'refused' {
  try {
    return send() ? 'sent' : 'gone';
  } catch (error) {
    const code = error instanceof SystemError ? error.code : undefined;
    if (code === 'EPERM') return 'refused';
    if (code === 'ESRCH') return 'gone';
    throw error;
  }
}
