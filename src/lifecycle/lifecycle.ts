import {
  cannotWait,
  childrenLeft,
  exitKilling,
  initFailed,
  killNow,
  noChildLeft,
  outOfReach,
  startAgain,
} from './end.ts';
import {
  checkedInStop,
  interrupted,
  resumed,
  stopped,
  stoppedInStop,
  terminalChecked,
} from './job-control.ts';
import type { Effect, Event, Living, Of, Policy, State, Step, TimerName } from './model.ts';
import { ended, endedAsAsked, started, startFailed } from './run.ts';
import { chain, next, preceded, toExplain, toLog } from './steps.ts';
import { endTree, explainStop, inputEnded, received, stoppingFound, stopTimerFired } from './stop.ts';

/**
 * All of init's behaviour as a pure function: events go in, effects come out. It has no clock, no I/O and no memory
 * besides the state. The interpreter carries out the effects.
 */

/** The initial state. With `pause` there is nothing to start. */
export function initialState({ options }: Policy): State {
  const run = { stoppedBy: undefined, restarts: 0 };
  return options.pause ? { kind: 'pausing', ...run } : { kind: 'starting', ...run };
}

/** Applies an event: returns the next state, and the effects to carry out in order. */
export function step(policy: Policy, before: State, event: Event): Step {
  if (before.kind === 'exiting') return next(before);
  const after = react(policy, before, event);
  const [running, fresh] = [timerOf(policy, before), timerOf(policy, after.state)];
  // A timer that has fired does not run any more. Its state may set it again.
  const old = event.kind === 'timer' && event.timer === running?.timer ? undefined : running;
  // Two states may both wait for 'slow', each for a time of its own.
  if (old?.timer === fresh?.timer && isSameWait(before, after.state)) return after;
  // Timers first: nothing happens after an exit.
  const changes: Effect[] = [];
  if (old !== undefined) changes.push({ kind: 'clear-timer', timer: old.timer });
  if (fresh !== undefined) changes.push({ kind: 'set-timer', ...fresh });
  return preceded(changes, after);
}

function react(policy: Policy, state: Living, event: Event): Step {
  switch (event.kind) {
    case 'workload-started':
      return state.kind === 'starting' ? started(policy, state, event) : next(state);
    case 'start-failed':
      return state.kind === 'starting' ? startFailed(policy, state, event) : next(state);
    case 'signal':
      return received(policy, state, event.signal);
    case 'workload-ended':
      if (state.kind === 'running') return ended(policy, state, event);
      return state.kind === 'terminating' && state.workloadRuns
        ? endedAsAsked(policy, state, event)
        : next(state);
    case 'workload-stopped':
      if (state.kind === 'draining') return stoppedInStop(state, event.signal);
      return state.kind === 'running' ? stopped(policy, state, event.signal) : next(state);
    case 'terminal-checked':
      if (state.kind === 'draining') return checkedInStop(state, event);
      return state.kind === 'running' ? terminalChecked(policy, state, event) : next(state);
    case 'terminal-signal':
      return state.kind === 'running' ? interrupted(state, event.signal) : next(state);
    case 'resumed':
      return state.kind === 'running' ? resumed(state) : next(state);
    case 'children-left':
      return childrenLeft(policy, state);
    case 'stopping-found':
      return stoppingFound(policy, state, event.isAny);
    case 'no-child-left':
      return noChildLeft(policy, state, event.atMs);
    case 'survivors-out-of-reach':
      return outOfReach(policy, state, event);
    case 'timer':
      return timerFired(policy, state, event.timer);
    case 'owner-ended':
      return preceded([toLog('info', 'the owner has ended; ending everything')], endTree(policy, state));
    case 'input-ended':
      return preceded([toLog('info', 'standard input has ended')], inputEnded(policy, state));
    case 'kill-requested':
      return chain(endTree(policy, state), (now) => killNow(policy, now));
    case 'init-failed':
      return initFailed(policy, state, event.message);
    case 'cannot-wait':
      return cannotWait(policy, event.message);
  }
}

// --- Timers

/** After --stop-timeout, PID 1 waits so long for the status of the workload. Then it exits in any case. */
const KILL_MS = 1000;

interface Timer {
  readonly timer: TimerName;
  readonly ms: number;
}

/** The only timer of a state. */
function timerOf({ options, slowMs, isPid1 }: Policy, state: State): Timer | undefined {
  switch (state.kind) {
    case 'running':
    case 'draining': {
      const { stopping } = state;
      if (stopping.kind === 'held') return { timer: 'stop-delay', ms: options.stopDelayMs };
      if (stopping.kind === 'input-ended') return { timer: 'input', ms: options.graceMs };
      if (stopping.kind === 'killing' && isPid1) return { timer: 'kill', ms: KILL_MS };
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

/** What takes the workload's place in a stop has the rest of its time. */
function isSameWait(before: State, after: State): boolean {
  if ('stopping' in before && 'stopping' in after && before.stopping === after.stopping) return true;
  return before.kind === after.kind;
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

function timerFired(policy: Policy, state: Living, timer: TimerName): Step {
  if (timerOf(policy, state)?.timer !== timer) return next(state);
  if (timer === 'slow') return stillWaiting(policy, state);
  if (timer === 'kill') return exitKilling(policy, state as Of<'running'>);
  switch (state.kind) {
    case 'running':
    case 'draining':
      return stopTimerFired(policy, state);
    case 'terminating':
      return killNow(policy, state);
    case 'backoff':
      return startAgain(state);
    default:
      return next(state);
  }
}

function stillWaiting(policy: Policy, state: Living): Step {
  const { slowMs } = policy;
  if (state.kind === 'terminating') {
    const waitedMs = nextSlowMs(slowMs, state.waitedMs) as number;
    return next({ ...state, waitedMs }, toExplain({ kind: 'slow-survivors', waitedMs }));
  }
  if (state.kind !== 'running' && state.kind !== 'draining') return next(state);
  if (state.stopping.kind !== 'forwarded') return next(state);
  const waitedMs = nextSlowMs(slowMs, state.stopping.waitedMs) as number;
  const stopping = { ...state.stopping, waitedMs };
  return next({ ...state, stopping }, explainStop('slow-stop', policy, state, waitedMs));
}
