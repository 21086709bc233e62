import { initialState, step } from '../../src/lifecycle/lifecycle.ts';
import type { Effect, Event, Policy, State } from '../../src/lifecycle/model.ts';
import type { Pid, Signal } from '../../src/native/types.ts';

export const SIGHUP = 1 as Signal;
export const SIGINT = 2 as Signal;
const SIGQUIT = 3 as Signal;
export const SIGKILL = 9 as Signal;
export const SIGUSR1 = 10 as Signal;
export const SIGTERM = 15 as Signal;
export const SIGCONT = 18 as Signal;
const SIGSTOP = 19 as Signal;
export const SIGTSTP = 20 as Signal;
export const SIGTTIN = 21 as Signal;

const workload = 7 as Pid;
const program = 'workload';

/** The code under test: src/lifecycle/lifecycle.ts, or a mutant of it. */
export interface Lifecycle {
  readonly initialState: typeof initialState;
  readonly step: typeof step;
}

export const realLifecycle: Lifecycle = { initialState, step };

/** What a run of the workload has come to. */
export type Phase =
  | 'pausing'
  | 'starting'
  | 'running'
  /** --until all: the workload has ended. */
  | 'draining'
  /** The workload has ended after a stop signal, and others that got it with the workload have its time. */
  | 'stopping'
  /** Whatever is left has to end. */
  | 'ending'
  /** No process of the run is left, or init cannot reach those that are. */
  | 'over';

interface Timer {
  readonly timer: Extract<Effect, { kind: 'set-timer' }>['timer'];
  /** The time until it fires. */
  readonly ms: number;
}

/**
 * A lifecycle, and beside it what somebody would know who sees the events and the effects, and has read the manual. The
 * properties compare the two. So nothing but `state` comes from the lifecycle's own state.
 */
export interface World {
  readonly state: State;

  // What has happened: from the events and the policy.
  readonly phase: Phase;
  readonly workloadRuns: boolean;
  /** The workload, or processes that it left behind, may still run. */
  readonly hasChildren: boolean;
  /** The first signal that stops init: sent to it, or to the workload by the terminal. */
  readonly stoppedBy: Signal | undefined;
  /** A Ctrl-C reached the workload: if it ends, that was why. */
  readonly interruptedBy: Signal | undefined;
  /** init looks who is stopping, and the answer comes before any other event. */
  readonly asksStopping: boolean;
  /** init knows whether anybody is stopping. Until then, stop signals wait. */
  readonly knowsStopping: boolean;
  readonly late: readonly Signal[];
  /** init knows who gets the stop signal. */
  readonly hasNoted: boolean;
  /** Standard input has ended, and the workload has --grace to end by itself. */
  readonly inputEnded: boolean;
  /** init has thrown. */
  readonly hasFailed: boolean;
  /** Something happened after which init can only exit, with 125. */
  readonly isLost: boolean;
  /** init may not signal the survivors. */
  readonly isOutOfReach: boolean;
  /** The status of the last run, and how long it was. */
  readonly status: number;
  readonly runMs: number;
  /** Restarts in a row. */
  readonly restarts: number;
  /** What has to be forwarded now, as it is to be sent, in this order. */
  readonly owed: readonly Signal[];
  /** The first stop signal, while --stop-delay holds it. */
  readonly delayed: { readonly sent: Signal; readonly ms: number } | undefined;
  /** When SIGKILL comes if nothing ends before: not sooner, and not later. */
  readonly killInMs: number | undefined;
  /** When the run must be over at the latest. */
  readonly overInMs: number | undefined;

  // What init has done: from the effects.
  readonly timer: Timer | undefined;
  readonly hasAsked: boolean;
  readonly isKilling: boolean;
  /** Every process of the namespace was signalled: no other run may follow. */
  readonly everybodySignalled: boolean;
  readonly discardsStatuses: boolean;
  readonly hasGivenTerminal: boolean;
  /** A question to the terminal, whose answer comes before any other event. */
  readonly asksTerminal: Signal | undefined;
  readonly isSuspended: boolean;
  readonly exits: number;
}

const newRun = {
  workloadRuns: false,
  hasChildren: false,
  interruptedBy: undefined,
  asksStopping: false,
  knowsStopping: false,
  late: [],
  hasNoted: false,
  inputEnded: false,
  runMs: 0,
  owed: [],
  delayed: undefined,
  killInMs: undefined,
  overInMs: undefined,
  hasAsked: false,
  isKilling: false,
} as const;

export function beginning(policy: Policy, lifecycle: Lifecycle = realLifecycle): World {
  const { pause } = policy.options;
  return {
    state: lifecycle.initialState(policy),
    ...newRun,
    phase: pause ? 'pausing' : 'starting',
    hasChildren: pause,
    stoppedBy: undefined,
    hasFailed: false,
    isLost: false,
    isOutOfReach: false,
    status: 0,
    restarts: 0,
    timer: undefined,
    everybodySignalled: false,
    discardsStatuses: false,
    hasGivenTerminal: false,
    asksTerminal: undefined,
    isSuspended: false,
    exits: 0,
  };
}

/** An event, or the time until the timer is due. Other events come at once after one, or when the timer is due. */
export type Move = Event | { readonly kind: 'time-passes' };

const short = 0;
const long = 20_000;

const failures: readonly Event[] = [
  { kind: 'init-failed', message: 'an exception' },
  { kind: 'cannot-wait', message: 'wait4 failed: EPERM' },
];

/** What may come next. */
export function possibleMoves(policy: Policy, world: World): Move[] {
  if (world.exits > 0) return [];
  if (world.phase === 'starting') {
    return [
      { kind: 'workload-started', atMs: 0, workload, program },
      { kind: 'start-failed', status: 126, message: 'cannot be run' },
      ...failures,
    ];
  }
  if (world.asksTerminal !== undefined) {
    const stoppedBy = world.asksTerminal;
    return [true, false].map((workloadHasIt) => ({ kind: 'terminal-checked', stoppedBy, workloadHasIt }));
  }
  if (world.asksStopping) return [true, false].map((isAny) => ({ kind: 'stopping-found', isAny }));
  const { timer, hasChildren, workloadRuns } = world;
  const moves: Move[] = [SIGTERM, SIGINT, SIGHUP, SIGCONT, SIGUSR1].map(signalled);
  if (timer !== undefined) {
    moves.push(timer.ms > 0 ? { kind: 'time-passes' } : { kind: 'timer', timer: timer.timer });
  }
  if (world.isSuspended) moves.push({ kind: 'resumed' });
  if (hasChildren) moves.push({ kind: 'children-left' });
  // If the kernel reaps, it does not tell of the workload's end.
  if (hasChildren && (!workloadRuns || world.discardsStatuses)) {
    moves.push({ kind: 'no-child-left', atMs: short });
    if (world.phase === 'draining') moves.push({ kind: 'no-child-left', atMs: long });
  }
  if (hasChildren && world.isKilling)
    moves.push({ kind: 'survivors-out-of-reach', why: 'not permitted to signal the remaining processes' });
  if (workloadRuns) moves.push(...endsOfTheWorkload(policy));
  if (workloadRuns && policy.terminal !== 'none') {
    for (const signal of [SIGTSTP, SIGTTIN, SIGSTOP]) moves.push({ kind: 'workload-stopped', signal });
    for (const signal of [SIGINT, SIGKILL]) moves.push({ kind: 'terminal-signal', signal });
  }
  return [...moves, ...endsOfBonds(policy), ...failures];
}

function endsOfBonds({ options }: Policy): Move[] {
  const moves: Move[] = [];
  if (options.untilOwner) moves.push({ kind: 'owner-ended' }, { kind: 'kill-requested' });
  if (options.untilStdinCloses) moves.push({ kind: 'input-ended' });
  return moves;
}

const signalled = (signal: Signal): Event => ({ kind: 'signal', signal });

export function killedBy(signal: Signal, hadTerminal = false, forwarded: readonly Signal[] = []): Event {
  const how = { kind: 'killed', signal, coreDumped: false } as const;
  return { kind: 'workload-ended', atMs: short, workload, how, hadTerminal, forwarded };
}

function exitedWith(code: number, atMs = short): Event {
  const how = { kind: 'exited', code } as const;
  return { kind: 'workload-ended', atMs, workload, how, hadTerminal: false, forwarded: [] };
}

function endsOfTheWorkload({ terminal }: Policy): Event[] {
  const passedOn = { ...exitedWith(130), hadTerminal: true } as Event;
  const fromTerminal = terminal === 'none' ? [] : [killedBy(SIGINT, true), passedOn];
  return [
    exitedWith(0),
    exitedWith(3),
    exitedWith(3, long),
    killedBy(SIGINT),
    killedBy(SIGHUP),
    killedBy(SIGHUP, false, [SIGHUP]),
    killedBy(SIGKILL),
    ...fromTerminal,
  ];
}

/** The world when its timer is due. */
export function withTime(world: World): World {
  const { timer, delayed, killInMs, overInMs } = world;
  const ms = timer?.ms ?? 0;
  return {
    ...world,
    timer: timer && { ...timer, ms: timer.ms - ms },
    delayed: delayed && { ...delayed, ms: delayed.ms - ms },
    killInMs: killInMs && killInMs - ms,
    overInMs: overInMs && overInMs - ms,
  };
}

export function withEvent(policy: Policy, world: World, event: Event): World {
  switch (event.kind) {
    case 'workload-started':
      return { ...world, phase: 'running', workloadRuns: true, hasChildren: true };
    case 'start-failed':
      return over({ ...world, status: event.status });
    case 'signal':
      return withSignal(policy, world, event.signal);
    case 'workload-ended':
      return withEnd(policy, world, event);
    case 'terminal-signal':
      return isTerminalStop(event.signal) ? { ...world, interruptedBy: event.signal } : world;
    case 'terminal-checked':
      return { ...world, asksTerminal: undefined };
    case 'resumed':
      return { ...world, isSuspended: false };
    case 'no-child-left':
      if (world.phase === 'draining') return over({ ...drained(world), runMs: event.atMs });
      if (world.phase === 'ending' || world.phase === 'stopping') return over(world);
      // With --pause, orphans may still arrive.
      return world;
    case 'survivors-out-of-reach':
      if (!['draining', 'stopping', 'ending'].includes(world.phase)) return world;
      return { ...over(drained(world)), hasChildren: true, isOutOfReach: true };
    case 'stopping-found': {
      const { isKilling, late } = world;
      const answered = { ...world, asksStopping: false };
      if (isKilling) return answered;
      if (event.isAny) return { ...answered, knowsStopping: true, late: [], owed: late };
      const asked = ending(policy, answered);
      return late.length === 0 ? asked : { ...asked, killInMs: 0, overInMs: 0 };
    }
    case 'timer':
      return withTimer(policy, world, event.timer);
    case 'owner-ended':
      return withEndOfTree(policy, world);
    case 'input-ended':
      return withEndOfInput(policy, world);
    case 'kill-requested': {
      const ending = withEndOfTree(policy, world);
      return ending.phase === 'ending' ? { ...ending, killInMs: 0, overInMs: 0 } : ending;
    }
    case 'init-failed':
      return withFailure(policy, world);
    case 'cannot-wait':
      return { ...world, isLost: true };
    default:
      return world;
  }
}

function withSignal(policy: Policy, world: World, signal: Signal): World {
  const sent = sentFor(policy, signal);
  if (sent === undefined) return world;
  if (isStop(policy, sent)) return withStop(policy, world, sent);
  return isForwarding(world) ? { ...world, owed: [...world.owed, sent] } : world;
}

/** @returns undefined for a signal that is dropped */
function sentFor({ options }: Policy, signal: Signal): Signal | undefined {
  const sent = options.rewrite.get(signal) ?? signal;
  return sent === 'drop' ? undefined : sent;
}

function isStop({ ignored }: Policy, sent: Signal | undefined): boolean {
  return (sent === SIGTERM || sent === SIGINT || sent === SIGQUIT) && !ignored.includes(sent);
}

function isTerminalStop(signal: Signal): boolean {
  return signal === SIGINT || signal === SIGQUIT;
}

/** Whether there is anybody whom signals are for. */
export function isForwarding({ phase }: World): boolean {
  return phase === 'running' || phase === 'draining' || phase === 'stopping';
}

function withStop(policy: Policy, world: World, sent: Signal): World {
  const stopped = { ...world, stoppedBy: world.stoppedBy ?? sent };
  switch (world.phase) {
    case 'stopping':
      if (!world.knowsStopping)
        return { ...world, late: [...world.late.filter((other) => other !== sent), sent] };
      return withStopOfTheWorkload(policy, world, sent);
    case 'running':
    case 'draining':
      return withStopOfTheWorkload(policy, world, sent);
    case 'pausing':
      return ending(policy, stopped);
    case 'ending':
      // A second one kills at once.
      return isStopped(world) ? { ...stopped, killInMs: 0, overInMs: 0 } : stopped;
    default:
      return stopped;
  }
}

/** It counts as a stop signal, and the workload ends like a survivor. SIGKILL that has begun goes on. */
function withEndOfTree(policy: Policy, world: World): World {
  if (world.phase === 'starting' || (isForwarding(world) && world.isKilling)) return world;
  const stopped = { ...world, stoppedBy: world.stoppedBy ?? SIGTERM };
  if (world.phase === 'ending' || world.phase === 'over') return stopped;
  return ending(policy, world.phase === 'running' ? { ...stopped, status: 128 + SIGTERM } : stopped);
}

/** The workload has the grace time twice: to end by itself, and after SIGTERM. */
function withEndOfInput(policy: Policy, world: World): World {
  if (!isForwarding(world)) return withEndOfTree(policy, world);
  if (world.killInMs !== undefined) return world;
  const { graceMs } = policy.options;
  return {
    ...world,
    stoppedBy: world.stoppedBy ?? SIGTERM,
    inputEnded: true,
    delayed: undefined,
    killInMs: 2 * graceMs,
    overInMs: 2 * graceMs,
  };
}

function withStopOfTheWorkload({ options }: Policy, world: World, sent: Signal): World {
  const { graceMs, stopDelayMs, stopTimeoutMs } = options;
  const within = (delayMs: number) =>
    stopTimeoutMs === undefined
      ? {}
      : { killInMs: delayMs + stopTimeoutMs, overInMs: delayMs + stopTimeoutMs + graceMs };
  // A second one ends the delay.
  if (world.delayed !== undefined) {
    return { ...world, owed: [...world.owed, world.delayed.sent, sent], delayed: undefined, ...within(0) };
  }
  // --stop-timeout takes over from the end of standard input.
  const isFirst = world.stoppedBy === undefined || (world.inputEnded && stopTimeoutMs !== undefined);
  if (!isFirst) return { ...world, owed: [...world.owed, sent] };
  const stoppedBy = world.stoppedBy ?? sent;
  const stopped = { ...world, stoppedBy, inputEnded: false, ...within(stopDelayMs) };
  return stopDelayMs === 0
    ? { ...stopped, owed: [...world.owed, sent] }
    : { ...stopped, delayed: { sent, ms: stopDelayMs } };
}

/** Whether nothing may start any more. */
export function isStopped({ stoppedBy, hasFailed }: World): boolean {
  return stoppedBy !== undefined || hasFailed;
}

function withEnd(policy: Policy, world: World, event: Extract<Event, { kind: 'workload-ended' }>): World {
  const { how, atMs } = event;
  const ended = { ...world, workloadRuns: false };
  if (world.phase === 'ending') return { ...ended, status: statusOf(how) };
  if (world.phase !== 'running') return ended;
  const ctrlC = interruption(policy, event) ?? world.interruptedBy;
  const hungUp = how.kind === 'killed' && how.signal === SIGHUP;
  const stoppedBy = world.stoppedBy ?? (hungUp ? SIGHUP : ctrlC);
  const known = { ...ended, stoppedBy, status: statusOf(how), runMs: atMs };
  const isSent = world.stoppedBy !== undefined && world.delayed === undefined;
  const mayGoOn = policy.options.survivors === 'end' && !world.inputEnded && !world.isKilling;
  if (mayGoOn && (isSent || ctrlC !== undefined)) {
    const { stopTimeoutMs, graceMs } = policy.options;
    // The time of --stop-timeout begins with a signal that init has seen, or with this end.
    const isTimed = isSent || stopTimeoutMs === undefined;
    const time = isTimed ? {} : { killInMs: stopTimeoutMs, overInMs: stopTimeoutMs + graceMs };
    return { ...known, phase: 'stopping', owed: [], delayed: undefined, hasNoted: false, ...time };
  }
  return policy.options.until === 'all' && stoppedBy === undefined
    ? { ...known, phase: 'draining', owed: [] }
    : ending(policy, known);
}

/** What a terminal's Ctrl-C leaves in the end of the workload. */
function interruption(
  { options }: Policy,
  { how, hadTerminal }: Extract<Event, { kind: 'workload-ended' }>,
): Signal | undefined {
  if (!hadTerminal) return undefined;
  if (how.kind === 'killed') return isTerminalStop(how.signal) ? how.signal : undefined;
  const passedOn = (how.code - 128) as Signal;
  const isUse = options.restart.kind === 'no' && options.until === 'main';
  return isUse && isTerminalStop(passedOn) ? passedOn : undefined;
}

function statusOf(how: Extract<Event, { kind: 'workload-ended' }>['how']): number {
  return how.kind === 'exited' ? how.code : 128 + how.signal;
}

/** Whatever is left gets --grace, unless SIGKILL has begun. */
function ending({ options: { graceMs } }: Policy, world: World): World {
  return {
    ...drained(world),
    phase: 'ending',
    owed: [],
    late: [],
    knowsStopping: false,
    delayed: undefined,
    inputEnded: false,
    hasNoted: false,
    killInMs: world.isKilling ? 0 : graceMs,
    overInMs: Math.min(world.overInMs ?? graceMs, graceMs),
  };
}

/** The end of what a workload left is its own, unless a signal stopped it. */
function drained(world: World): World {
  const { phase, status, stoppedBy } = world;
  return phase === 'draining' && status === 0 && stoppedBy !== undefined
    ? { ...world, status: 128 + stoppedBy }
    : world;
}

function over(world: World): World {
  const { status, runMs, interruptedBy } = world;
  return { ...world, ...newRun, status, runMs, interruptedBy, phase: 'over' };
}

function withFailure(policy: Policy, world: World): World {
  const { phase, hasFailed } = world;
  if (phase === 'starting' || phase === 'over' || hasFailed) return { ...world, isLost: true };
  const failed = { ...world, hasFailed: true };
  return phase === 'ending' ? failed : ending(policy, failed);
}

function withTimer(policy: Policy, world: World, timer: Timer['timer']): World {
  const fired = { ...world, timer: undefined };
  if (timer === 'input' && world.inputEnded) return withEndOfTree(policy, fired);
  return timer === 'stop-delay' && world.delayed !== undefined
    ? { ...fired, owed: [...world.owed, world.delayed.sent], delayed: undefined }
    : fired;
}

export function withEffect(world: World, effect: Effect): World {
  switch (effect.kind) {
    case 'start':
      return { ...world, ...newRun, phase: 'starting', status: 0, restarts: restartsInARow(world) + 1 };
    case 'forward':
      return { ...world, owed: world.owed.slice(1) };
    case 'give-terminal':
      return { ...world, hasGivenTerminal: true };
    case 'take-terminal':
      return { ...world, hasGivenTerminal: false };
    case 'check-terminal':
      return { ...world, asksTerminal: effect.stoppedBy };
    case 'suspend':
      return { ...world, isSuspended: true };
    case 'note-recipients':
      return { ...world, hasNoted: true };
    case 'find-stopping':
      return { ...world, asksStopping: true };
    case 'set-timer':
      return { ...world, timer: { timer: effect.timer, ms: effect.ms } };
    case 'clear-timer':
      return { ...world, timer: undefined };
    case 'ask':
      return { ...world, hasAsked: true, everybodySignalled: world.everybodySignalled || effect.everybody };
    case 'kill':
      return { ...killed(world), isKilling: true };
    case 'kill-at-once':
      return { ...world, workloadRuns: false, hasChildren: false };
    case 'discard-statuses':
      return { ...world, discardsStatuses: effect.discard };
    case 'exit':
      return { ...world, exits: world.exits + 1 };
    default:
      return world;
  }
}

/** A workload that has not ended by itself ends by SIGKILL, whether or not its status is taken. */
export function killed(world: World): World {
  const isKilled = world.workloadRuns && (world.phase === 'ending' || world.phase === 'running');
  return isKilled ? { ...world, status: 128 + SIGKILL } : world;
}

/** Ten seconds count as a success. */
export function restartsInARow({ runMs, restarts }: World): number {
  return runMs >= 10_000 ? 0 : restarts;
}

/** The same key for worlds that behave alike from here on. */
export function keyOf(world: World): string {
  const { state, restarts } = world;
  // The wait stops growing with the sixth restart.
  const merged = 'restarts' in state ? { ...state, restarts: Math.min(state.restarts, 7) } : state;
  return JSON.stringify({ ...world, state: merged, restarts: Math.min(restarts, 7) });
}
