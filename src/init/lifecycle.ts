import { basename } from 'node:path';
import type { EventRecord } from '../events/events.ts';
import type { Explained } from '../explain/explained.ts';
import type { Pid, Signal } from '../native/types.ts';
import { type Ended, exitStatus } from '../reaper/wait-status.ts';
import { signalNumber } from '../signals/signal-names.ts';
import { isStopSignal } from '../signals/stop-signals.ts';
import type { InitOptions } from './options.ts';

/**
 * All of init's behaviour as a pure function: events go in, effects come out. It has no clock, no I/O and no memory
 * besides the state. The interpreter carries out the effects.
 */

/** What the lifecycle needs to know: the options, and where it runs. */
export interface Policy {
  readonly options: LifecycleOptions;
  readonly isPid1: boolean;
  /**
   * own: standard input and output are init's controlling terminal, so the workload gets it at once. shared: in a
   * pipeline others may want it too, so the workload gets it when it asks for it.
   */
  readonly terminal: 'none' | 'shared' | 'own';
  /** Signals that the workload ignores from its start do not stop it: nohup(1), a background job of a script. */
  readonly ignored: readonly Signal[];
  /** init gets each of these once because it has given up its terminal. It does not forward that one. */
  readonly handOffSignals: readonly Signal[];
  /** Whether the statuses of orphans matter until the end: the debug log, the report and the trace tell of them. */
  readonly keepsStatuses: boolean;
  /** How long after a stop signal init says what it waits for, in milliseconds, ascending; empty if nobody would read it. */
  readonly slowMs: readonly number[];
}

type LifecycleOptions = Pick<
  InitOptions,
  | 'scope'
  | 'rewrite'
  | 'remapExit'
  | 'graceMs'
  | 'until'
  | 'stopDelayMs'
  | 'stopTimeoutMs'
  | 'restart'
  | 'pause'
  | 'suspendOn'
  | 'survivors'
  | 'untilOwner'
  | 'untilStdinCloses'
>;

/** The progress of a stop signal. */
type Stopping =
  | { readonly kind: 'no' }
  /** --stop-delay holds it. */
  | { readonly kind: 'held'; readonly signal: Signal; readonly sent: Signal }
  /** It was forwarded. `waitedMs` is how long ago, at the last timer. */
  | { readonly kind: 'forwarded'; readonly waitedMs: number }
  /** Standard input has ended. The workload sees that too, and has --grace to end by itself. */
  | { readonly kind: 'input-ended' }
  /** --stop-timeout has expired: every process gets SIGKILL. */
  | { readonly kind: 'killing' };

interface Run {
  /** The first stop signal. Nothing is started after it. */
  readonly stoppedBy: Signal | undefined;
  /** The number of restarts in a row. */
  readonly restarts: number;
}

export type State =
  /** The workload is being started. Signals are held until it runs. */
  | (Run & { readonly kind: 'starting'; readonly held: readonly Signal[] })
  | (Run & {
      readonly kind: 'running';
      readonly startedAtMs: number;
      readonly stopping: Stopping;
      /** The signal that stopped the workload, while init has stopped itself too: Ctrl-Z. */
      readonly suspendedBy: Signal | undefined;
      /** What the terminal has sent to the workload's group: Ctrl-C. */
      readonly interruptedBy: Signal | undefined;
      /** The signals of the terminal's hand-over that have not come yet. */
      readonly handOffSignals: readonly Signal[];
    })
  /** --pause: no workload; init waits for a stop signal. */
  | (Run & { readonly kind: 'pausing' })
  /** The workload has ended, and --until all waits for its descendants. */
  | (Run & {
      readonly kind: 'draining';
      readonly startedAtMs: number;
      readonly status: number;
      readonly stopping: Stopping;
    })
  /** init ends the processes that the workload left behind. */
  | (Run & {
      readonly kind: 'terminating';
      readonly status: number;
      readonly runMs: number;
      readonly survivors: 'unknown' | 'asked' | 'killing';
      /** How much of the grace time had passed at the last timer. */
      readonly waitedMs: number;
      /** The workload may still run, and is ended like a survivor. */
      readonly workloadRuns: boolean;
      /** init itself has failed: the workload's status does not matter any more. */
      readonly hasFailed: boolean;
    })
  /** --restart waits before the next run. */
  | (Run & { readonly kind: 'backoff'; readonly delayMs: number; readonly status: number })
  | { readonly kind: 'exiting'; readonly status: number };

/** 'slow': time to say what init still waits for. */
export type TimerName = 'stop-delay' | 'slow' | 'stop-timeout' | 'input' | 'grace' | 'backoff';

export type Event =
  | {
      readonly kind: 'workload-started';
      readonly atMs: number;
      readonly workload: Pid;
      readonly program: string;
    }
  /** A restart failed to start the workload. It counts as a failed run. */
  | {
      readonly kind: 'start-failed';
      readonly atMs: number;
      readonly status: number;
      readonly message: string;
    }
  | { readonly kind: 'signal'; readonly signal: Signal }
  | {
      readonly kind: 'workload-ended';
      readonly atMs: number;
      readonly workload: Pid;
      readonly how: Ended;
      /** Whether the workload had the terminal: then its signal may come from there. */
      readonly hadTerminal: boolean;
      /** The signals that init has forwarded to this run. */
      readonly forwarded: readonly Signal[];
    }
  | { readonly kind: 'workload-stopped'; readonly signal: Signal }
  /** Something signalled the workload's group: a Ctrl-C, which does not reach init. */
  | { readonly kind: 'terminal-signal'; readonly signal: Signal }
  /** The answer to 'check-terminal'. */
  | { readonly kind: 'terminal-checked'; readonly stoppedBy: Signal; readonly workloadHasIt: boolean }
  /** init had stopped itself, and runs again. */
  | { readonly kind: 'resumed' }
  /** Every child that had ended is reaped, and others are left. */
  | { readonly kind: 'children-left' }
  | { readonly kind: 'no-child-left'; readonly atMs: number }
  /** init may not signal, or cannot see, any of the survivors: it would wait for ever. */
  | { readonly kind: 'survivors-out-of-reach'; readonly why: string; readonly error?: string | undefined }
  | { readonly kind: 'timer'; readonly timer: TimerName }
  /** The process that started init has ended. */
  | { readonly kind: 'owner-ended' }
  /** Nobody can write to standard input any more. */
  | { readonly kind: 'input-ended' }
  /** The owner asks for what SIGKILL cannot do, which would end init alone. */
  | { readonly kind: 'kill-requested' }
  /** An exception in init. */
  | { readonly kind: 'init-failed'; readonly message: string }
  /** wait4(2) is refused, or the kernel does not tell how the workload that it reaped ended. */
  | { readonly kind: 'cannot-wait'; readonly message: string };

export type BondEvent = Extract<Event, { kind: 'owner-ended' | 'input-ended' | 'kill-requested' }>;

export type Effect =
  | { readonly kind: 'start' }
  | {
      readonly kind: 'forward';
      readonly signal: Signal;
      readonly sent: Signal;
      readonly scope: InitOptions['scope'];
    }
  /** SIGTERM and SIGCONT to the survivors, or to everybody in the PID namespace. */
  | { readonly kind: 'ask'; readonly everybody: boolean }
  /** One more round of SIGKILL. */
  | { readonly kind: 'kill'; readonly everybody: boolean }
  /** One signal to what the ended workload has left in its group. */
  | { readonly kind: 'signal-group'; readonly signal: Signal }
  /** SIGKILL to all descendants before init ends at once: nothing will tell that they have ended. */
  | { readonly kind: 'kill-at-once' }
  /** No process is left to ask or to kill. */
  | { readonly kind: 'forget-survivors' }
  /** Whether the kernel reaps from now on, because no status matters any more. */
  | { readonly kind: 'discard-statuses'; readonly discard: boolean }
  /** If the kernel has reaped so far, init does from now on: it has to know when the last process has ended. */
  | { readonly kind: 'take-back' }
  | { readonly kind: 'set-timer'; readonly timer: TimerName; readonly ms: number }
  | { readonly kind: 'clear-timer'; readonly timer: TimerName }
  | { readonly kind: 'give-terminal' }
  | { readonly kind: 'take-terminal' }
  | { readonly kind: 'check-terminal'; readonly stoppedBy: Signal }
  | { readonly kind: 'continue-workload' }
  /** init stops itself alone. */
  | { readonly kind: 'stop-self' }
  /** init stops itself and its job. */
  | { readonly kind: 'suspend' }
  /** Finds out who and why, and says it in one line. */
  | { readonly kind: 'explain'; readonly what: Explained }
  | {
      readonly kind: 'log';
      readonly level: 'fatal' | 'error' | 'warn' | 'info' | 'debug';
      readonly message: string;
      readonly fields?: LogFields;
    }
  | { readonly kind: 'exit'; readonly status: number };

export type LogFields = EventRecord<Signal> | RemarkFields;

interface RemarkFields {
  readonly event?: never;
  readonly stopDelayMs?: number;
  readonly error?: string;
}

export interface Step {
  readonly state: State;
  readonly effects: readonly Effect[];
}

const SIGCONT = signalNumber('SIGCONT');
const SIGHUP = signalNumber('SIGHUP');
const SIGKILL = signalNumber('SIGKILL');
const SIGSTOP = signalNumber('SIGSTOP');
const SIGTERM = signalNumber('SIGTERM');
/** Ctrl-C and Ctrl-\ send these. */
const terminalStopSignals = (['SIGINT', 'SIGQUIT'] as const).map(signalNumber);
/** The terminal sends these to background processes that use it. */
const terminalAccessSignals = (['SIGTTIN', 'SIGTTOU'] as const).map(signalNumber);

/** The exit status of init's own failure. */
const FAILED = 125;
/** These end no process, signal(7): no status of a shell stands for one of them. */
const harmlessSignals = (
  ['SIGCHLD', 'SIGCONT', 'SIGSTOP', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU', 'SIGURG', 'SIGWINCH'] as const
).map(signalNumber);
const LAST_NAMED_SIGNAL = 31;

/** The messages for a signal that is rewritten to none. */
export const droppedMessages = { stop: 'stop signal dropped', other: 'signal dropped' } as const;
/** The message for a signal that only tells of the terminal's hand-over. */
export const HAND_OFF = 'signal of the handed-over terminal dropped';

const FIRST_BACKOFF_MS = 200;
const LONGEST_BACKOFF_MS = 10_000;
/** A run this long counts as a success: the next failure starts a new count. */
const GOOD_RUN_MS = 10_000;

/** The initial state. With `pause` there is nothing to start. */
export function initialState({ options }: Policy): State {
  const run = { stoppedBy: undefined, restarts: 0 };
  return options.pause ? { kind: 'pausing', ...run } : { kind: 'starting', held: [], ...run };
}

/** Applies an event: returns the next state, and the effects to carry out in order. */
export function step(policy: Policy, before: State, event: Event): Step {
  if (before.kind === 'exiting') return { state: before, effects: [] };
  const { state, effects } = react(policy, before, event);
  const [running, fresh] = [timerOf(policy, before), timerOf(policy, state)];
  // A timer that has fired does not run any more. Its state may set it again.
  const old = event.kind === 'timer' && event.timer === running?.timer ? undefined : running;
  // Two states may both wait for 'slow', each for a time of its own.
  if (old?.timer === fresh?.timer && before.kind === state.kind) return { state, effects };
  // Timers first: nothing happens after an exit.
  const changes: Effect[] = [];
  if (old !== undefined) changes.push({ kind: 'clear-timer', timer: old.timer });
  if (fresh !== undefined) changes.push({ kind: 'set-timer', ...fresh });
  return { state, effects: [...changes, ...effects] };
}

interface Timer {
  readonly timer: TimerName;
  readonly ms: number;
}

/** The only timer of a state. */
function timerOf({ options, slowMs }: Policy, state: State): Timer | undefined {
  switch (state.kind) {
    case 'running':
    case 'draining': {
      const { stopping } = state;
      if (stopping.kind === 'held') return { timer: 'stop-delay', ms: options.stopDelayMs };
      if (stopping.kind === 'input-ended') return { timer: 'input', ms: options.graceMs };
      if (stopping.kind !== 'forwarded') return undefined;
      return waitingTimer(slowMs, stopping.waitedMs, 'stop-timeout', options.stopTimeoutMs);
    }
    case 'terminating':
      if (state.survivors === 'killing') return undefined;
      return waitingTimer(slowMs, state.waitedMs, 'grace', options.graceMs);
    case 'backoff':
      return { timer: 'backoff', ms: state.delayMs };
    default:
      return undefined;
  }
}

/** The time until init says what it waits for, or until the wait ends if that comes first. */
function waitingTimer(
  slowMs: readonly number[],
  waitedMs: number,
  last: TimerName,
  endMs: number | undefined,
): Timer | undefined {
  const nextMs = nextSlowMs(slowMs, waitedMs);
  if (nextMs !== undefined && (endMs === undefined || nextMs < endMs)) {
    return { timer: 'slow', ms: nextMs - waitedMs };
  }
  return endMs === undefined ? undefined : { timer: last, ms: endMs - waitedMs };
}

function nextSlowMs(slowMs: readonly number[], waitedMs: number): number | undefined {
  return slowMs.find((ms) => ms > waitedMs);
}

type Living = Exclude<State, { kind: 'exiting' }>;
type Of<Kind extends State['kind']> = Extract<State, { kind: Kind }>;

function react(policy: Policy, state: Living, event: Event): Step {
  switch (event.kind) {
    case 'workload-started':
      return state.kind === 'starting' ? started(policy, state, event) : same(state);
    case 'start-failed':
      return state.kind === 'starting' ? startFailed(policy, state, event) : same(state);
    case 'signal':
      return received(policy, state, event.signal);
    case 'workload-ended':
      if (state.kind === 'running') return ended(policy, state, event);
      return state.kind === 'terminating' && state.workloadRuns
        ? endedAsAsked(policy, state, event)
        : same(state);
    case 'terminal-signal':
      return state.kind === 'running' ? interrupted(state, event.signal) : same(state);
    case 'workload-stopped':
      return state.kind === 'running' ? stopped(policy, state, event.signal) : same(state);
    case 'terminal-checked':
      return state.kind === 'running' ? terminalChecked(policy, state, event) : same(state);
    case 'resumed':
      return state.kind === 'running' ? resumed(state) : same(state);
    case 'children-left':
      return childrenLeft(policy, state);
    case 'no-child-left':
      return noChildLeft(policy, state, event.atMs);
    case 'survivors-out-of-reach':
      return outOfReach(policy, state, event);
    case 'timer':
      return timerFired(policy, state, event.timer);
    case 'owner-ended':
      return logged('info', 'the owner has ended, everything ends', endTree(policy, state));
    case 'input-ended':
      return logged('info', 'standard input has ended', inputEnded(policy, state));
    case 'kill-requested':
      return then(endTree(policy, state), (now) => killNow(policy, now));
    case 'init-failed':
      return failed(policy, state, event.message);
    case 'cannot-wait':
      return cannotWait(policy, event.message);
  }
}

function same(state: State, ...effects: readonly Effect[]): Step {
  return { state, effects };
}

type Level = Extract<Effect, { kind: 'log' }>['level'];

function log(level: Level, message: string, fields?: LogFields): Effect {
  return fields === undefined ? { kind: 'log', level, message } : { kind: 'log', level, message, fields };
}

/** Logs before the effects of a step. */
function logged(level: Level, message: string, { state, effects }: Step): Step {
  return { state, effects: [log(level, message), ...effects] };
}

/** Chains two steps: the effects of the second follow those of the first. */
function then(first: Step, next: (state: State) => Step): Step {
  const second = next(first.state);
  return { state: second.state, effects: [...first.effects, ...second.effects] };
}

// --- The workload's run

function started(
  policy: Policy,
  { held, stoppedBy, restarts }: Of<'starting'>,
  { atMs: startedAtMs, workload, program }: Extract<Event, { kind: 'workload-started' }>,
): Step {
  const stopping: Stopping = { kind: 'no' };
  const state: State = {
    kind: 'running',
    stoppedBy,
    restarts,
    startedAtMs,
    stopping,
    suspendedBy: undefined,
    interruptedBy: undefined,
    handOffSignals: restarts === 0 ? policy.handOffSignals : [],
  };
  // The workload may have used the terminal before it got it, and been stopped for that.
  const terminal: readonly Effect[] =
    policy.terminal === 'own' ? [{ kind: 'give-terminal' }, { kind: 'continue-workload' }] : [];
  const fields = {
    event: 'started',
    'process.pid': workload,
    'process.executable.name': basename(program),
  } as const;
  const first: Step = { state, effects: [...terminal, log('info', 'workload started', fields)] };
  return held.reduce(
    (steps, signal) =>
      then(steps, (now) => (now.kind === 'exiting' ? same(now) : received(policy, now, signal))),
    first,
  );
}

function startFailed(
  policy: Policy,
  state: Of<'starting'>,
  { status, message }: Extract<Event, { kind: 'start-failed' }>,
): Step {
  const stoppedBy = state.stoppedBy ?? state.held.find((signal) => isStop(policy, sentFor(policy, signal)));
  const afterRun = endRun(policy, { ...state, stoppedBy }, status, 0, true);
  return { state: afterRun.state, effects: [log('error', message), ...afterRun.effects] };
}

function ended(
  policy: Policy,
  state: Of<'running'>,
  event: Extract<Event, { kind: 'workload-ended' }>,
): Step {
  const { how, atMs, hadTerminal } = event;
  const status = exitStatus(how);
  const { restarts, startedAtMs, stopping } = state;
  // Ctrl-C and the hang-up of the terminal only reach the workload's group.
  const wasStopped =
    how.kind === 'killed' &&
    (how.signal === SIGHUP || (terminalStopSignals.includes(how.signal) && hadTerminal));
  const stoppedBy = state.stoppedBy ?? (wasStopped ? how.signal : state.interruptedBy);
  const effects: Effect[] = [...takeTerminal(policy), logEnd(event)];
  if (isUnexplained(policy, state, event)) effects.push(explain({ kind: 'end', how }));
  // After a stop signal, init does not wait for descendants: it ends them.
  if (policy.options.until === 'all' && stoppedBy === undefined) {
    const draining: State = { kind: 'draining', stoppedBy, restarts, startedAtMs, status, stopping };
    return {
      state: draining,
      effects: [...effects, explain({ kind: 'waiting' }), ...discardUnlessKept(policy)],
    };
  }
  const sent = sentFor(policy, SIGTERM);
  if (policy.options.survivors === 'signal' && sent !== 'drop') {
    effects.push({ kind: 'signal-group', signal: sent });
  }
  const terminating = terminate(policy, { stoppedBy, restarts }, status, atMs - startedAtMs);
  const next =
    stopping.kind === 'killing' ? then(terminating, (now) => killSurvivors(policy, now)) : terminating;
  return { state: next.state, effects: [...effects, ...next.effects] };
}

function logEnd({ how, workload }: Extract<Event, { kind: 'workload-ended' }>): Effect {
  const end = how.kind === 'exited' ? { 'process.exit.code': how.code } : { signal: how.signal };
  return log('info', 'workload ended', { event: 'ended', 'process.pid': workload, ...end });
}

/** Whether the workload ended by a signal that came neither from init nor from the terminal, or looks as if it did. */
function isUnexplained(
  policy: Policy,
  { stopping }: Of<'running'>,
  { how, hadTerminal, forwarded }: Extract<Event, { kind: 'workload-ended' }>,
): boolean {
  if (remapped(policy, exitStatus(how)) === 0) return false;
  if (how.kind === 'exited') {
    const signal = (how.code - 128) as Signal;
    const isLikeSignal = signal > 0 && signal <= LAST_NAMED_SIGNAL && !harmlessSignals.includes(signal);
    // What a terminal sends may not be seen: a program that handles a Ctrl-C passes its status on, also hours later.
    const isOfTerminal = policy.terminal !== 'none' && [SIGHUP, ...terminalStopSignals].includes(signal);
    // For the signal that came, init may have sent another one: 143 after --rewrite TERM:INT.
    const sent = sentFor(policy, signal);
    return (
      isLikeSignal &&
      !isOfTerminal &&
      !forwarded.includes(signal) &&
      !(sent !== 'drop' && forwarded.includes(sent))
    );
  }
  const isFromTerminal =
    (hadTerminal && terminalStopSignals.includes(how.signal)) ||
    (policy.terminal !== 'none' && how.signal === SIGHUP);
  return stopping.kind !== 'killing' && !isFromTerminal && !forwarded.includes(how.signal);
}

// --- Signals

function received(policy: Policy, state: Living, signal: Signal): Step {
  if (state.kind === 'starting') return same({ ...state, held: [...state.held, signal] });
  if (state.kind === 'running' && state.handOffSignals.includes(signal)) {
    const handOffSignals = state.handOffSignals.filter((other) => other !== signal);
    return same({ ...state, handOffSignals }, log('debug', HAND_OFF, { event: 'signal', signal }));
  }
  const passed = pass(policy, state, signal);
  if (state.kind !== 'running' || !policy.options.suspendOn.includes(signal)) return passed;
  return { state: passed.state, effects: [...passed.effects, { kind: 'stop-self' }] };
}

function pass(policy: Policy, state: Exclude<Living, Of<'starting'>>, signal: Signal): Step {
  const sent = sentFor(policy, signal);
  if (sent === 'drop') {
    const fields = { event: 'signal', signal } as const;
    const dropped = isStopSignal(signal)
      ? log('info', droppedMessages.stop, fields)
      : log('debug', droppedMessages.other, fields);
    return same(state, dropped);
  }
  if (isStop(policy, sent)) {
    const step = stopReceived(policy, state, signal, sent);
    return {
      state: step.state,
      effects: [log('info', 'stop signal received', { event: 'stop', signal, sent }), ...step.effects],
    };
  }
  if (isStopSignal(signal)) {
    // The workload ignores it from the start, or gets another one for it.
    const step = forward(policy, state, signal, sent);
    const fields = { event: 'signal', signal, sent } as const;
    return {
      state: step.state,
      effects: [log('info', 'stop signal received, no stop begins', fields), ...step.effects],
    };
  }
  if (state.kind === 'running' && signal === SIGCONT && policy.terminal !== 'none') {
    // This gives the terminal only if the shell put the job into the foreground: fg, not bg.
    const forwarded = forward(policy, { ...state, suspendedBy: undefined }, signal, sent);
    return { state: forwarded.state, effects: [{ kind: 'give-terminal' }, ...forwarded.effects] };
  }
  return forward(policy, state, signal, sent);
}

function sentFor({ options }: Policy, signal: Signal): Signal | 'drop' {
  return options.rewrite.get(signal) ?? signal;
}

function isStop({ ignored }: Policy, sent: Signal | 'drop'): boolean {
  return sent !== 'drop' && isStopSignal(sent) && !ignored.includes(sent);
}

function stopReceived(policy: Policy, state: Living, signal: Signal, sent: Signal): Step {
  const isSecond = state.stoppedBy !== undefined;
  const stoppedBy = state.stoppedBy ?? sent;
  switch (state.kind) {
    case 'running':
    case 'draining':
      return stopWorkload(policy, { ...state, stoppedBy }, signal, sent);
    case 'pausing':
      return terminate(policy, { ...state, stoppedBy }, 0, 0);
    case 'terminating':
      return isSecond ? killNow(policy, state) : same({ ...state, stoppedBy });
    case 'backoff':
      return exit(state.status);
    case 'starting':
      return same(state);
  }
}

function stopWorkload(
  policy: Policy,
  state: Of<'running'> | Of<'draining'>,
  signal: Signal,
  sent: Signal,
): Step {
  const { stopDelayMs } = policy.options;
  const forwarded = { ...state, stopping: { kind: 'forwarded', waitedMs: 0 } as const };
  switch (state.stopping.kind) {
    case 'no':
      if (stopDelayMs === 0) return forward(policy, forwarded, signal, sent);
      return same(
        { ...state, stopping: { kind: 'held', signal, sent } },
        log('info', 'stop signal held', { stopDelayMs }),
      );
    case 'held': {
      // A second stop signal ends the delay. Forward the first one before it.
      const first = forward(policy, forwarded, state.stopping.signal, state.stopping.sent);
      return then(first, (now) => forward(policy, now, signal, sent));
    }
    case 'input-ended':
      // --stop-timeout sees to the rest. Without it the timer of the end does, and goes on.
      if (policy.options.stopTimeoutMs === undefined) return forward(policy, state, signal, sent);
      return stopWorkload(policy, { ...state, stopping: { kind: 'no' } }, signal, sent);
    case 'forwarded':
    case 'killing':
      return forward(policy, state, signal, sent);
  }
}

function forward({ options }: Policy, state: State, signal: Signal, sent: Signal): Step {
  if (state.kind === 'running') return same(state, { kind: 'forward', signal, sent, scope: options.scope });
  if (state.kind === 'draining') return same(state, { kind: 'forward', signal, sent, scope: 'tree' });
  return same(state, log('debug', 'signal dropped, there is no workload', { event: 'signal', signal }));
}

// --- The terminal

/**
 * The workload may handle it: if it ends after that, however it does, it was stopped. Before, nothing is hurried: a shell
 * gets many a Ctrl-C.
 */
function interrupted(state: Of<'running'>, signal: Signal): Step {
  return terminalStopSignals.includes(signal) ? same({ ...state, interruptedBy: signal }) : same(state);
}

function stopped({ terminal }: Policy, state: Of<'running'>, signal: Signal): Step {
  if (terminal === 'none') return same(state);
  const check: Effect = { kind: 'check-terminal', stoppedBy: signal };
  return terminalAccessSignals.includes(signal)
    ? same(state, { kind: 'give-terminal' }, check)
    : same(state, check);
}

function terminalChecked(
  { isPid1 }: Policy,
  state: Of<'running'>,
  { stoppedBy, workloadHasIt }: Extract<Event, { kind: 'terminal-checked' }>,
): Step {
  const asksForTerminal = terminalAccessSignals.includes(stoppedBy);
  if (asksForTerminal && workloadHasIt) return same(state, { kind: 'continue-workload' });
  // A SIGSTOP that somebody sent with kill has nothing to do with the terminal. But a program that has the terminal may
  // stop itself that way too (top).
  if (stoppedBy === SIGSTOP && !workloadHasIt) return same(state);
  // No shell above could continue PID 1, and the kernel ignores a stop of PID 1 itself.
  if (isPid1) return asksForTerminal ? same(state) : same(state, { kind: 'continue-workload' });
  // init stops too, so that the shell above takes over.
  return same({ ...state, suspendedBy: stoppedBy }, { kind: 'take-terminal' }, { kind: 'suspend' });
}

/**
 * A SIGCONT has cleared `suspendedBy`. Without a SIGCONT, the kernel ignored the stop, since there is no shell above (an
 * orphaned process group): continue the workload, or Ctrl-Z would stop it for good. But do not continue a workload that
 * asked for a terminal that it cannot have: it would only ask again.
 */
function resumed(state: Of<'running'>): Step {
  const { suspendedBy } = state;
  const awake = { ...state, suspendedBy: undefined };
  if (suspendedBy === undefined || terminalAccessSignals.includes(suspendedBy)) return same(awake);
  return same(awake, { kind: 'give-terminal' }, { kind: 'continue-workload' });
}

function takeTerminal({ terminal }: Policy): readonly Effect[] {
  return terminal === 'none' ? [] : [{ kind: 'take-terminal' }];
}

// --- The end of the owner, or of standard input

/**
 * Ends whatever there is: SIGTERM to every process, --grace, SIGKILL. Nobody is left to wait for a --stop-delay, or to
 * insist. It counts as a stop signal: nothing is started again, and a signal after it is a second one.
 */
function endTree(policy: Policy, state: Living): Step {
  switch (state.kind) {
    case 'running':
      return state.stopping.kind === 'killing' ? same(state) : endWithWorkload(policy, state);
    case 'draining':
      return state.stopping.kind === 'killing'
        ? same(state)
        : terminate(policy, asStopped(state), drainedStatus(asStopped(state)), 0);
    case 'pausing':
      return terminate(policy, asStopped(state), 0, 0);
    case 'terminating':
      return same(asStopped(state));
    case 'backoff':
      return exit(state.status);
    case 'starting':
      // Between these two events is no turn of the event loop, which all others come from.
      return same(state);
  }
}

/** The workload ends like a survivor. Its status is init's, if it ends before SIGKILL. */
function endWithWorkload(policy: Policy, state: Of<'running'>): Step {
  return terminate(policy, asStopped(state), 128 + SIGTERM, 0, { workloadRuns: true });
}

/** A workload that reads its input to the end ends by itself. So it gets --grace before anything else is done. */
function inputEnded(policy: Policy, state: Living): Step {
  if (state.kind !== 'running' && state.kind !== 'draining') return endTree(policy, state);
  const { kind } = state.stopping;
  const willEnd = kind !== 'no' && policy.options.stopTimeoutMs !== undefined;
  if (willEnd || kind === 'killing') return same(state);
  return same({ ...asStopped(state), stopping: { kind: 'input-ended' } });
}

function asStopped<Stopped extends Run>(state: Stopped): Stopped {
  return { ...state, stoppedBy: state.stoppedBy ?? SIGTERM };
}

/** The workload has ended, which init had asked for. */
function endedAsAsked(
  policy: Policy,
  state: Of<'terminating'>,
  event: Extract<Event, { kind: 'workload-ended' }>,
): Step {
  const status = state.hasFailed ? state.status : exitStatus(event.how);
  const next: State = { ...state, workloadRuns: false, status };
  const effects = [...takeTerminal(policy), logEnd(event)];
  // They have been discarded before, if init has failed or kills.
  const isDiscarded = state.hasFailed || state.survivors === 'killing';
  return same(next, ...effects, ...(isDiscarded ? [] : discardUnlessKept(policy)));
}

// --- The end of a run

/** Ends the run. If there are survivors, their grace time begins. */
function terminate(
  policy: Policy,
  { stoppedBy, restarts }: Run,
  status: number,
  runMs: number,
  { workloadRuns = false, hasFailed = false } = {},
): Step {
  const state: Of<'terminating'> = {
    kind: 'terminating',
    stoppedBy,
    restarts,
    status,
    runMs,
    survivors: 'unknown',
    waitedMs: 0,
    workloadRuns,
    hasFailed,
  };
  return same(state, ...(workloadRuns && !hasFailed ? [takeBack] : discardUnlessKept(policy)));
}

/** Once the workload has ended, statuses only matter to those who keep them. */
function discardUnlessKept({ keepsStatuses }: Policy): readonly Effect[] {
  return keepsStatuses ? [] : [discardStatuses];
}

const discardStatuses: Effect = { kind: 'discard-statuses', discard: true };
const takeBack: Effect = { kind: 'take-back' };

function childrenLeft(policy: Policy, state: Living): Step {
  if (state.kind === 'terminating') {
    if (state.survivors === 'killing') return same(state, kill(policy, state));
    if (leavesSurvivors(policy, state)) return exit(remapped(policy, state.status));
    if (state.survivors === 'asked') return same(state);
    const { graceMs } = policy.options;
    if (graceMs === 0) return killNow(policy, state);
    const ask: Effect = { kind: 'ask', everybody: isLast(policy, state) };
    return same({ ...state, survivors: 'asked' }, explain({ kind: 'asking' }), ask);
  }
  const isKilling =
    (state.kind === 'running' || state.kind === 'draining') && state.stopping.kind === 'killing';
  return isKilling ? same(state, kill(policy, state)) : same(state);
}

/** Before another run, and if init has failed, it ends them in any case. */
function leavesSurvivors(policy: Policy, state: Of<'terminating'>): boolean {
  return policy.options.survivors !== 'end' && !state.hasFailed && isLastRun(policy, state);
}

function isLastRun(policy: Policy, state: Of<'terminating'>): boolean {
  return backoffMs(policy, state, remapped(policy, state.status), state.runMs) === undefined;
}

function kill(policy: Policy, state: Living): Effect {
  return { kind: 'kill', everybody: isLast(policy, state) };
}

function noChildLeft(policy: Policy, state: Living, atMs: number): Step {
  if (state.kind === 'terminating') return endRun(policy, state, state.status, state.runMs, true);
  if (state.kind === 'draining') {
    return endRun(policy, state, drainedStatus(state), atMs - state.startedAtMs, true);
  }
  // Nothing would ever tell of the workload's end.
  if (state.kind === 'running') return cannotWait(policy, 'wait4 does not find the workload');
  return same(state);
}

/** If the workload exited with 0, and a stop signal ended its descendants, the status is that of the signal. */
function drainedStatus({ status, stoppedBy }: Of<'draining'>): number {
  return status === 0 && stoppedBy !== undefined ? 128 + stoppedBy : status;
}

function outOfReach(
  policy: Policy,
  state: Living,
  { why, error }: Extract<Event, { kind: 'survivors-out-of-reach' }>,
): Step {
  const fields = error === undefined ? undefined : { error };
  if (state.kind !== 'terminating' && state.kind !== 'draining') {
    return same(state, log('warn', `${why}, and init waits for the workload to end`, fields));
  }
  const [status, runMs] =
    state.kind === 'terminating' ? [state.status, state.runMs] : [drainedStatus(state), 0];
  const left = endRun(policy, state, status, runMs, false);
  return { state: left.state, effects: [log('warn', `${why}, and is left behind`, fields), ...left.effects] };
}

function timerFired(policy: Policy, state: Living, timer: TimerName): Step {
  if (timerOf(policy, state)?.timer !== timer) return same(state);
  if (timer === 'slow') return stillWaiting(policy, state);
  switch (state.kind) {
    case 'running':
    case 'draining': {
      const { stopping } = state;
      if (stopping.kind === 'input-ended') return endTree(policy, state);
      if (stopping.kind !== 'held') return stopTimedOut(policy, state);
      const forwarded = { ...state, stopping: { kind: 'forwarded', waitedMs: 0 } as const };
      return forward(policy, forwarded, stopping.signal, stopping.sent);
    }
    case 'terminating':
      return killNow(policy, state);
    case 'backoff':
      return same(
        { kind: 'starting', held: [], stoppedBy: state.stoppedBy, restarts: state.restarts },
        { kind: 'discard-statuses', discard: false },
        { kind: 'start' },
      );
    default:
      return same(state);
  }
}

function stillWaiting({ slowMs }: Policy, state: Living): Step {
  if (state.kind === 'terminating') {
    const waitedMs = nextSlowMs(slowMs, state.waitedMs) as number;
    return same({ ...state, waitedMs }, explain({ kind: 'slow-survivors', waitedMs }));
  }
  if (state.kind !== 'running' && state.kind !== 'draining') return same(state);
  if (state.stopping.kind !== 'forwarded') return same(state);
  const waitedMs = nextSlowMs(slowMs, state.stopping.waitedMs) as number;
  const next = { ...state, stopping: { ...state.stopping, waitedMs } };
  return same(next, explain({ kind: 'slow-stop', ...stopSoFar(state), waitedMs }));
}

function explain(what: Explained): Effect {
  return { kind: 'explain', what };
}

function stopSoFar(state: Of<'running'> | Of<'draining'>) {
  return { signal: state.stoppedBy as Signal, workloadRuns: state.kind === 'running' };
}

function stopTimedOut(policy: Policy, state: Of<'running'> | Of<'draining'>): Step {
  const waitedMs = policy.options.stopTimeoutMs as number;
  const timedOut = explain({ kind: 'stop-timeout', ...stopSoFar(state), waitedMs });
  if (state.kind === 'draining' && policy.isPid1) {
    const exiting = exit(remapped(policy, drainedStatus(state)));
    return { state: exiting.state, effects: [timedOut, ...exiting.effects] };
  }
  const killing = { ...state, stopping: { kind: 'killing' } as const };
  // Once the workload has ended, no status is needed any more.
  const discard = state.kind === 'draining' ? [discardStatuses] : [];
  return same(killing, timedOut, ...discard, kill(policy, killing));
}

/** Ends the grace time. */
function killNow(policy: Policy, state: State): Step {
  if (state.kind !== 'terminating' || state.survivors === 'killing') return same(state);
  const killing = killSurvivors(policy, state);
  return { state: killing.state, effects: [explain({ kind: 'killing' }), ...killing.effects] };
}

function killSurvivors(policy: Policy, state: State): Step {
  if (state.kind !== 'terminating') return same(state);
  const status = state.workloadRuns && !state.hasFailed ? 128 + SIGKILL : state.status;
  // When PID 1 ends, the kernel kills everything left in the namespace, and waits for it: there is no race to lose.
  if (isLast(policy, state)) return exit(state.hasFailed ? status : remapped(policy, status));
  const killing: State = { ...state, status, survivors: 'killing' };
  const discard = policy.keepsStatuses || (state.workloadRuns && !state.hasFailed) ? [discardStatuses] : [];
  return same(killing, ...discard, kill(policy, killing));
}

/**
 * Whether PID 1 ends with this run. Only then may init signal everybody in the namespace: a restart must not touch
 * processes that entered it from outside (docker exec, a probe).
 */
function isLast(policy: Policy, state: Living): boolean {
  if (!policy.isPid1) return false;
  if (state.kind !== 'terminating') return state.stoppedBy !== undefined;
  return isLastRun(policy, state);
}

/** @param mayRestart false if a survivor could not be ended */
function endRun(
  policy: Policy,
  run: Run | Of<'terminating'>,
  ownStatus: number,
  runMs: number,
  mayRestart: boolean,
): Step {
  const hasFailed = 'hasFailed' in run && run.hasFailed;
  const status = hasFailed ? ownStatus : remapped(policy, ownStatus);
  // A survivor may have had the terminal until now.
  const effects: Effect[] = [{ kind: 'forget-survivors' }, ...takeTerminal(policy)];
  const delayMs = mayRestart ? backoffMs(policy, run, status, runMs) : undefined;
  if (delayMs === undefined) {
    const exiting = exit(status);
    return { state: exiting.state, effects: [...effects, ...exiting.effects] };
  }
  const restarts = (runMs >= GOOD_RUN_MS ? 0 : run.restarts) + 1;
  const state: State = { kind: 'backoff', stoppedBy: run.stoppedBy, restarts, delayMs, status };
  return same(
    state,
    ...effects,
    log('warn', 'restarting the workload', { event: 'restart', status, delayMs }),
  );
}

function remapped({ options }: Policy, status: number): number {
  return options.remapExit.get(status) ?? status;
}

/** How long --restart waits before the next run, doubled for each run; undefined if there is none. */
function backoffMs({ options }: Policy, run: Run, status: number, runMs: number): number | undefined {
  const { restart } = options;
  if (restart.kind === 'no' || run.stoppedBy !== undefined) return undefined;
  const inARow = runMs >= GOOD_RUN_MS ? 0 : run.restarts;
  if (restart.kind === 'on-failure' && (status === 0 || inARow >= restart.limit)) return undefined;
  return Math.min(FIRST_BACKOFF_MS * 2 ** inARow, LONGEST_BACKOFF_MS);
}

/**
 * An exception in init: it can no longer promise anything about the workload, so it ends the whole tree in order. A second
 * exception may come from that very work: it ends everything at once.
 */
function failed(policy: Policy, state: Living, error: string): Step {
  const isSecond = state.kind === 'terminating' && state.hasFailed;
  if (isSecond || state.kind === 'starting' || state.kind === 'backoff') {
    return endAtOnce(policy, 'init has failed, it ends', error);
  }
  const fatal = log('fatal', 'init has failed, it ends the workload', { error });
  // As after a stop signal, nothing is started again.
  const run = { restarts: state.restarts, stoppedBy: state.stoppedBy ?? SIGTERM };
  const ending =
    state.kind === 'terminating'
      ? same({ ...state, ...run, status: FAILED, hasFailed: true })
      : terminate(policy, run, FAILED, 0, { workloadRuns: state.kind === 'running', hasFailed: true });
  const isKilling = 'stopping' in state && state.stopping.kind === 'killing';
  const next = isKilling ? then(ending, (now) => killSurvivors(policy, now)) : ending;
  return { state: next.state, effects: [fatal, ...next.effects] };
}

function cannotWait(policy: Policy, why: string): Step {
  return endAtOnce(policy, 'the status of the workload cannot be had, init ends', why);
}

function endAtOnce(policy: Policy, message: string, error: string): Step {
  const exiting = exit(FAILED);
  // When PID 1 ends, the kernel kills everything left in the namespace.
  const kill: readonly Effect[] = policy.isPid1 ? [] : [{ kind: 'kill-at-once' }];
  return { state: exiting.state, effects: [log('fatal', message, { error }), ...kill, ...exiting.effects] };
}

function exit(status: number): Step {
  const exiting = log('info', 'exiting', { event: 'exit', 'process.exit.code': status });
  return same({ kind: 'exiting', status }, exiting, { kind: 'exit', status });
}
