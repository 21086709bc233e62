import type { Explained } from '../../src/explain/explained.ts';
import {
  type Effect,
  type Event,
  initialState,
  type Policy,
  type State,
  step,
  type TimerName,
} from '../../src/init/lifecycle.ts';
import type { Pid, Signal } from '../../src/native/types.ts';

export const SIGHUP = 1 as Signal;
export const SIGINT = 2 as Signal;
export const SIGKILL = 9 as Signal;
export const SIGUSR1 = 10 as Signal;
export const SIGTERM = 15 as Signal;
export const SIGCONT = 18 as Signal;
const SIGSTOP = 19 as Signal;
export const SIGTSTP = 20 as Signal;
export const SIGTTIN = 21 as Signal;

const workload = 7 as Pid;
const program = 'workload';

/** The state outside of init: what the kernel and the interpreter would know. */
export interface World {
  readonly state: State;
  readonly workloadRuns: boolean;
  /** The workload, or processes that it left behind, may still run. */
  readonly hasChildren: boolean;
  /** An effect whose answer comes before any other event. */
  readonly answer: 'start' | Signal | undefined;
  readonly resumes: boolean;
  readonly timer: { readonly timer: TimerName; readonly ms: number } | undefined;
  readonly isKilling: boolean;
  /** Every process of the namespace was signalled: no other run may follow. */
  readonly everybodySignalled: boolean;
  readonly discardsStatuses: boolean;
  readonly exits: number;
}

export function beginning(policy: Policy): World {
  const state = initialState(policy);
  const isPausing = state.kind === 'pausing';
  return {
    state,
    workloadRuns: false,
    hasChildren: isPausing,
    answer: isPausing ? undefined : 'start',
    resumes: false,
    timer: undefined,
    isKilling: false,
    everybodySignalled: false,
    discardsStatuses: false,
    exits: 0,
  };
}

const short = 0;
const long = 20_000;

/** The events that may come next. */
export function possibleEvents(policy: Policy, world: World): Event[] {
  if (world.exits > 0) return [];
  if (world.answer === 'start') {
    return [
      { kind: 'workload-started', atMs: 0, workload, program },
      { kind: 'start-failed', atMs: 0, status: 126, message: 'cannot be run' },
      ...[SIGTERM, SIGHUP].filter(() => heldSignals(world) < 2).map(signalled),
    ];
  }
  if (world.answer !== undefined) {
    const stoppedBy = world.answer;
    return [true, false].map((workloadHasIt) => ({ kind: 'terminal-checked', stoppedBy, workloadHasIt }));
  }
  const events: Event[] = [SIGTERM, SIGINT, SIGHUP, SIGCONT, SIGUSR1].map(signalled);
  if (world.timer !== undefined) events.push({ kind: 'timer', timer: world.timer.timer });
  if (world.resumes) events.push({ kind: 'resumed' });
  if (world.hasChildren) events.push({ kind: 'children-left' });
  if (world.hasChildren && !world.workloadRuns) {
    events.push({ kind: 'no-child-left', atMs: short }, { kind: 'no-child-left', atMs: long });
    if (world.isKilling) events.push({ kind: 'survivors-out-of-reach' });
  }
  if (world.workloadRuns) events.push(...endsOfTheWorkload(policy));
  if (world.workloadRuns && world.isKilling) events.push({ kind: 'survivors-out-of-reach' });
  if (world.workloadRuns && policy.terminal !== 'none') {
    for (const signal of [SIGTSTP, SIGTTIN, SIGSTOP]) events.push({ kind: 'workload-stopped', signal });
    for (const signal of [SIGINT, SIGKILL]) events.push({ kind: 'terminal-signal', signal });
  }
  events.push({ kind: 'init-failed', message: 'an exception' });
  events.push({ kind: 'cannot-wait', message: 'wait4 failed: EPERM' });
  return events;
}

const signalled = (signal: Signal): Event => ({ kind: 'signal', signal });

function heldSignals({ state }: World): number {
  return state.kind === 'starting' ? state.held.length : 0;
}

export function killedBy(signal: Signal, hadTerminal = false, forwarded: readonly Signal[] = []): Event {
  const how = { kind: 'killed', signal, coreDumped: false } as const;
  return { kind: 'workload-ended', atMs: short, workload, how, hadTerminal, forwarded };
}

function exitedWith(code: number, atMs = short): Event {
  const how = { kind: 'exited', code } as const;
  return { kind: 'workload-ended', atMs, workload, how, hadTerminal: false, forwarded: [] };
}

function endsOfTheWorkload({ terminal }: Policy): Event[] {
  const fromTerminal = terminal === 'none' ? [] : [killedBy(SIGINT, true)];
  return [
    exitedWith(0),
    exitedWith(3),
    exitedWith(3, long),
    killedBy(SIGHUP),
    killedBy(SIGHUP, false, [SIGHUP]),
    killedBy(SIGKILL),
    ...fromTerminal,
  ];
}

/** Applies an event. Returns the new state, and what is wrong with it. */
export function happen(
  policy: Policy,
  world: World,
  event: Event,
): { after: World; wrong: string | undefined } {
  const { state, effects } = step(policy, world.state, event);
  let after: World = { ...withEvent(world, event), state };
  let wrong: string | undefined;
  for (const effect of effects) {
    wrong ??= objection(after, effect);
    after = withEffect(after, effect);
  }
  wrong ??= stateObjection(after);
  return { after, wrong };
}

function withEvent(world: World, event: Event): World {
  switch (event.kind) {
    case 'workload-started':
      return { ...world, answer: undefined, workloadRuns: true, hasChildren: true };
    case 'start-failed':
    case 'terminal-checked':
      return { ...world, answer: undefined };
    case 'workload-ended':
      return { ...world, workloadRuns: false };
    case 'no-child-left':
      // With --pause, orphans may still arrive.
      return { ...world, hasChildren: world.state.kind === 'pausing' };
    case 'timer':
      return { ...world, timer: undefined };
    case 'resumed':
      return { ...world, resumes: false };
    default:
      return world;
  }
}

function withEffect(world: World, effect: Effect): World {
  switch (effect.kind) {
    case 'start':
      return { ...world, answer: 'start', isKilling: false };
    case 'check-terminal':
      return { ...world, answer: effect.stoppedBy };
    case 'suspend':
      return { ...world, resumes: true };
    case 'set-timer':
      return { ...world, timer: { timer: effect.timer, ms: effect.ms } };
    case 'clear-timer':
      return { ...world, timer: undefined };
    case 'ask':
      return { ...world, everybodySignalled: world.everybodySignalled || effect.everybody };
    case 'kill':
      return {
        ...world,
        isKilling: true,
        everybodySignalled: world.everybodySignalled || effect.everybody,
      };
    case 'kill-at-once':
      return { ...world, workloadRuns: false, hasChildren: false };
    case 'forget-survivors':
      return { ...world, isKilling: false };
    case 'discard-statuses':
      return { ...world, discardsStatuses: effect.discard };
    case 'exit':
      return { ...world, exits: world.exits + 1 };
    default:
      return world;
  }
}

function objection(world: World, effect: Effect): string | undefined {
  if (world.exits > 0) return `an effect after the exit: ${effect.kind}`;
  switch (effect.kind) {
    case 'start':
      if (world.hasChildren) return 'a start while a process of the last run lives';
      if (world.everybodySignalled) return 'a start after everybody was signalled';
      if (world.discardsStatuses) return 'a start whose status the kernel would discard';
      return undefined;
    case 'forward':
      return effect.scope === 'tree' || world.workloadRuns ? undefined : 'a signal forwarded to no workload';
    case 'discard-statuses':
      return effect.discard && world.workloadRuns && !hasFailed(world)
        ? 'the status of a running workload is discarded'
        : undefined;
    case 'set-timer':
      if (world.timer !== undefined) return `${effect.timer} is set beside ${world.timer.timer}`;
      return effect.ms >= 0 ? undefined : `${effect.timer} lies in the past`;
    case 'clear-timer':
      return world.timer?.timer === effect.timer ? undefined : `${effect.timer} is cleared, and does not run`;
    case 'explain':
      return explanationObjection(world, effect.what);
    case 'exit':
      if (world.timer !== undefined) return `${world.timer.timer} outlives the exit`;
      return effect.status >= 0 && effect.status <= 255 ? undefined : `exit status ${effect.status}`;
    default:
      return undefined;
  }
}

function hasFailed({ state }: World): boolean {
  return state.kind === 'terminating' && state.hasFailed;
}

/** Nothing is explained that is not so: what is said to run must run, what is said to have ended must not. */
function explanationObjection(
  { state, workloadRuns, hasChildren }: World,
  what: Explained,
): string | undefined {
  if (what.kind === 'end') return workloadRuns ? 'the end of a workload that runs is explained' : undefined;
  if (!hasChildren) return `${what.kind} is explained, and nothing runs`;
  if (what.kind !== 'slow-stop' && what.kind !== 'stop-timeout') return undefined;
  // A stop that timed out may have led PID 1 to its exit in the same step.
  if ('stoppedBy' in state && state.stoppedBy !== what.signal) return `${what.kind} names another signal`;
  return what.workloadRuns === workloadRuns ? undefined : `${what.kind} is wrong about the workload`;
}

const statesOf: Readonly<Record<TimerName, readonly State['kind'][]>> = {
  'stop-delay': ['running', 'draining'],
  slow: ['running', 'draining', 'terminating'],
  'stop-timeout': ['running', 'draining'],
  grace: ['terminating'],
  backoff: ['backoff'],
};

function stateObjection(world: World): string | undefined {
  const { state, timer, exits, workloadRuns } = world;
  if ((state.kind === 'exiting') !== (exits === 1)) return `${exits} exits in state ${state.kind}`;
  if (state.kind === 'exiting') return undefined;
  if (timer !== undefined && !statesOf[timer.timer].includes(state.kind)) {
    return `${timer.timer} outlives its state`;
  }
  // Then it is ended like a survivor.
  if (hasFailed(world)) return undefined;
  if (workloadRuns !== (state.kind === 'running')) return `a workload that runs in state ${state.kind}`;
  return undefined;
}

/**
 * The time from here to the exit if only SIGKILL ends processes: the sum of the timers.
 * @returns undefined if init never exits
 */
export function longestEnd(policy: Policy, from: World): number | undefined {
  let world = from;
  let elapsedMs = 0;
  for (let steps = 0; steps < 50; steps++) {
    if (world.exits > 0) return elapsedMs;
    const event = unwillingEvent(world);
    if (event === undefined) return undefined;
    // The wait between two runs is not part of a stop.
    if (world.timer !== undefined && event.kind === 'timer' && event.timer !== 'backoff') {
      elapsedMs += world.timer.ms;
    }
    world = happen(policy, world, event).after;
  }
  return undefined;
}

/** The next event in a world where only SIGKILL ends processes. */
function unwillingEvent(world: World): Event | undefined {
  if (world.answer === 'start') return { kind: 'workload-started', atMs: 0, workload, program };
  if (world.answer !== undefined) {
    return { kind: 'terminal-checked', stoppedBy: world.answer, workloadHasIt: false };
  }
  if (world.isKilling && world.workloadRuns) return killedBy(SIGKILL);
  if (world.isKilling && world.hasChildren) return { kind: 'no-child-left', atMs: short };
  const { state } = world;
  if (state.kind === 'terminating' && state.survivors === 'unknown' && world.hasChildren) {
    return { kind: 'children-left' };
  }
  return world.timer === undefined ? undefined : { kind: 'timer', timer: world.timer.timer };
}

/** The same key for states that behave alike from here on. */
export function keyOf(world: World): string {
  const { state } = world;
  // The wait stops growing with the sixth restart.
  const merged = 'restarts' in state ? { ...state, restarts: Math.min(state.restarts, 7) } : state;
  return JSON.stringify({ ...world, state: merged });
}

/** Describes an event or a state in a few words. */
export function describeEvent(event: Event): string {
  const { kind, ...rest } = event;
  const details = Object.entries(rest)
    .filter(([name]) => !['atMs', 'workload', 'program', 'message', 'forwarded'].includes(name))
    .map(([name, value]) => `${name} ${typeof value === 'object' ? Object.values(value).join(' ') : value}`);
  return [kind, ...details].join(', ');
}
