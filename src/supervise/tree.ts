import { kill } from '../native/process.ts';
import { SystemError } from '../native/system-error.ts';
import { now } from '../native/timers.ts';
import type { Pid, Signal } from '../native/types.ts';
import {
  identity,
  isProcUsable,
  ownChildrenInSteps,
  type ProcessInfo,
  readProcess,
  walkInSteps,
} from '../process-tree/process-table.ts';
import { readSignalHandling } from '../process-tree/signal-handling.ts';
import { type Send, signalChild, signalProcess, signalProcessOften } from '../process-tree/signal-process.ts';
import { runInSlices } from '../process-tree/slices.ts';
import { SIGKILL } from '../signals/numbers.ts';
import type { Children } from './children.ts';

/** The first and the longest pause before another attempt: each is twice as long as the last. */
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 500;
/** How many signals one process gets before init looks at the clock. */
const MOST_AT_ONCE = 64;

/** Signals on their way to each process below init. */
interface Order {
  readonly signals: readonly Signal[];
  /**
   * Called after the first attempt, and once more at the end if that is repeated.
   * @param error why some descendants may not have got them: /proc did not show all
   */
  readonly done: (reached: Reached, error: Error | undefined, isRepeated: boolean) => void;
  /** When init gives up. */
  readonly untilMs: number;
  readonly reached: Reached;
  readonly isRepeated: boolean;
}

/** Whom all attempts have reached so far. */
interface Reached {
  /** How many signals were sent. */
  sent: number;
  /** EPERM: a process of another user. */
  refused: number;
  /** The identities of the processes, once an attempt has failed. */
  met: ReadonlySet<string>;
  /** What got the signals without /proc: a process group, or everybody. */
  group: Pid | 'everybody' | undefined;
}

/**
 * The processes below init, in other sessions too: /proc shows them. A large tree takes longer than a slice of time, so init
 * does one task after the other. If /proc cannot be read (EMFILE, ENFILE, ENOMEM), it tries again after a pause.
 */
export function createTree({
  children,
  patienceMs,
  mayKillEverybody,
  giveUp,
}: {
  readonly children: Children;
  /** How long to try again. */
  readonly patienceMs: number;
  /** Whether kill(-1) reaches nobody else than those to whom the signal is to go. */
  readonly mayKillEverybody: (signal: Signal) => boolean;
  /** Called if init may not signal, or cannot see, any of the rest: it would wait for ever. */
  readonly giveUp: (why: string, error?: Error) => void;
}) {
  let task: Generator<void, unknown> | undefined;
  /** What comes while a task runs. The next walk sends it all, in order: a stop signal behind a flood waits for one walk. */
  let waiting: Order[] = [];
  /** What an attempt could not finish. */
  let unfinished: Order[] = [];
  let timer: NodeJS.Timeout | undefined;
  let pauseMs = FIRST_PAUSE_MS;
  /** A round of SIGKILL. 'again': it has begun, and another one must follow. */
  let round: 'none' | 'begun' | 'again' = 'none';
  let killsSinceMs: number | undefined;
  let hasGivenUp = false;

  function begin<Result>(
    next: Generator<void, Result>,
    ended: (error: Error | undefined, result: Result | undefined) => void,
  ): void {
    task = next;
    runInSlices(next, (error, result) => {
      if (task !== next) return;
      task = undefined;
      if (error === undefined) pauseMs = FIRST_PAUSE_MS;
      ended(error, result);
      if (task === undefined && waiting.length > 0) sendWaiting();
    });
  }

  function endTask(): void {
    task?.return(undefined);
    task = undefined;
    clearTimeout(timer);
    timer = undefined;
    waiting = [];
    unfinished = [];
    round = 'none';
  }

  /** After a pause, unless one is under way. */
  function tryAgain(resume: () => void): void {
    if (timer !== undefined) return;
    pause(resume, pauseMs);
    pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
  }

  function pause(resume: () => void, ms: number): void {
    timer = setTimeout(() => {
      timer = undefined;
      resume();
    }, ms);
  }

  function sendWaiting(): void {
    const orders = waiting;
    waiting = [];
    begin(sendToAll(orders, children, signalMost), (error) => {
      for (const order of orders) settle(order, error);
    });
  }

  function settle(order: Order, error: Error | undefined): void {
    const failure = order.reached.group === 'everybody' ? undefined : error;
    const mustRepeat = failure !== undefined && now() < order.untilMs;
    if (mustRepeat) {
      unfinished.push({ ...order, isRepeated: true });
      tryAgain(sendUnfinished);
    }
    if (!mustRepeat || !order.isRepeated) order.done(order.reached, failure, mustRepeat);
  }

  function sendUnfinished(): void {
    waiting = [...unfinished, ...waiting];
    unfinished = [];
    if (task === undefined) sendWaiting();
  }

  /** Signals as many as init can without /proc. @returns what got it @throws SystemError EPERM */
  function signalMost(signal: Signal): Reached['group'] {
    if (mayKillEverybody(signal)) {
      kill(-1, signal);
      return 'everybody';
    }
    const [workload, run] = [children.workload(), children.run()];
    workload?.signal(signal, 'group');
    return workload !== undefined || run?.signalLeft(signal) ? run?.pid : undefined;
  }

  function leave(why: string, error?: Error): void {
    if (!hasGivenUp) giveUp(why, error);
    hasGivenUp = true;
  }

  /** Drops what is not sent yet. */
  function forget(): void {
    endTask();
    pauseMs = FIRST_PAUSE_MS;
  }

  return {
    /**
     * Sends signals once to each process.
     * @param spared the identities of those that get none
     */
    send(signals: readonly Signal[], done: Order['done'], spared: ReadonlySet<string> = new Set()): void {
      const reached = { sent: 0, refused: 0, met: spared, group: undefined };
      waiting.push({ signals, done, untilMs: now() + patienceMs, reached, isRepeated: false });
      if (task === undefined) sendWaiting();
    },
    forget,
    /** Kills those that exist now. Call it again whenever one has ended, until no child is left. */
    kill(): void {
      if (round !== 'none') {
        round = 'again';
        // It is killed before it could get them.
        waiting = [];
        return;
      }
      // From round to round the pauses grow.
      if (killsSinceMs === undefined) forget();
      else endTask();
      killsSinceMs ??= now();
      const isLate = () => now() - (killsSinceMs as number) >= patienceMs;
      round = 'begun';
      begin(killRound(), (error, isRefused) => {
        const mustRepeat = round === 'again';
        round = 'none';
        if (error !== undefined && isLate()) leave('cannot list the remaining processes', error);
        else if (error !== undefined) tryAgain(children.wake);
        else if (isRefused && !mustRepeat) leave('not permitted to signal the remaining processes');
        else {
          if (mustRepeat) children.wake();
          // The last SIGCHLD may be lost.
          pause(children.wake, LONGEST_PAUSE_MS);
        }
      });
    },
    /** They are gone. */
    reset(): void {
      forget();
      killsSinceMs = undefined;
      hasGivenUp = false;
    },
  };
}

/** @throws Error EMFILE, ENFILE, ENOMEM, or for want of /proc */
export function* belowInit(): Generator<readonly ProcessInfo[], void> {
  const self = isProcUsable() ? readProcess(process.pid) : undefined;
  if (self === undefined) throw new Error('/proc does not show the descendants');
  for (const some of walkInSteps([self])) yield some.filter(({ pid }) => pid !== process.pid);
}

// --- Signals for all

/**
 * Finds all descendants before it signals the first one: a descendant that ends would hide its children.
 * @throws Error if /proc does not show all of them; those that it shows have got the signals then
 */
function* sendToAll(
  orders: readonly Order[],
  children: Children,
  signalMost: (signal: Signal) => Reached['group'],
): Generator<void, void> {
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
  const workload = children.workload();
  // /proc may hide the processes of other users: hidepid of proc(5).
  const isHidden = error === undefined && workload && !found.some(({ pid }) => pid === workload.pid);
  for (const order of orders) {
    const { reached } = order;
    if (reached.group !== undefined) continue;
    if (isHidden)
      count(order, (signal) => {
        workload.signal(signal, 'child');
        return true;
      });
    // An attempt that met some processes began with the workload.
    if (error !== undefined && reached.met.size === 0)
      count(order, (signal) => {
        reached.group = signalMost(signal);
        return reached.group !== undefined;
      });
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

function count({ signals, reached }: Order, send: Send): void {
  for (const signal of signals) {
    const outcome = unlessRefused(() => send(signal));
    if (outcome === 'sent') reached.sent++;
    if (outcome === 'refused') reached.refused++;
  }
}

function hasGot({ reached: { met, group } }: Order, info: ProcessInfo): boolean {
  if (group === 'everybody' || (met.size > 0 && met.has(identity(info)))) return true;
  return group !== undefined && readSignalHandling(info.pid)?.group === group;
}

function addMet({ reached }: Order, infos: readonly ProcessInfo[]): void {
  reached.met = new Set([...reached.met, ...infos.map(identity)]);
}

// --- SIGKILL for all

/**
 * One round of SIGKILL. init adopts orphans, so it kills its own children first, and lists them again until none is new:
 * a process that forks and ends over and over is caught when init adopts the next one. Then it kills everything below the
 * children that have not ended yet: that cuts the whole length of a chain that grows at its end. It also reaches a child
 * that is still there though waitid(2) did not find it.
 *
 * A descendant that ends sooner or later becomes a child that ends, and so a SIGCHLD, which starts the next round.
 * @returns whether there are survivors, and init may signal none of them
 * @throws Error if /proc cannot be read
 */
function* killRound(): Generator<void, boolean> {
  const killed = new Map<Pid, 'sent' | 'gone' | 'refused'>();
  for (;;) {
    const children = yield* ownChildrenInSteps();
    // One that is gone is forgotten: its pid may come again.
    const present = new Set(children);
    for (const pid of killed.keys()) if (!present.has(pid)) killed.delete(pid);
    const fresh = children.filter((child) => !killed.has(child));
    if (fresh.length === 0) break;
    for (const child of fresh) {
      killed.set(
        child,
        unlessRefused(() => signalChild(child, SIGKILL)),
      );
      yield;
    }
  }
  for (const some of belowInit()) {
    for (const info of some) {
      if ((killed.get(info.pid) ?? 'gone') === 'gone') unlessRefused(() => signalProcess(info, SIGKILL));
    }
    yield;
  }
  return killed.size > 0 && [...killed.values()].every((outcome) => outcome === 'refused');
}

/** @param send returns whether the process existed */
function unlessRefused(send: () => boolean): 'sent' | 'gone' | 'refused' {
  try {
    return send() ? 'sent' : 'gone';
  } catch (error) {
    const code = error instanceof SystemError ? error.code : undefined;
    if (code === 'EPERM') return 'refused';
    if (code === 'ESRCH') return 'gone';
    throw error;
  }
}
