import type { Signal } from '../native/types.ts';
import {
  cannotWait,
  childrenLeft,
  initFailed,
  killNow,
  noChildLeft,
  outOfReach,
  startAgain,
} from './lifecycle/end.ts';
import { jobChanged } from './lifecycle/job-control.ts';
import type { Effect, Event, Living, Policy, State, Step, TimerName } from './lifecycle/model.ts';
import { ended, endedAsAsked, started, startFailed } from './lifecycle/run.ts';
import { chain, explain, log, next, preceded } from './lifecycle/steps.ts';
import { endTree, inputEnded, received, stopTimerFired } from './lifecycle/stop.ts';

/**
 * All of init's behaviour as a pure function: events go in, effects come out. It has no clock, no I/O and no memory
 * besides the state. The interpreter carries out the effects.
 */

/** The initial state. With `pause` there is nothing to start. */
export function initialState({ options }: Policy): State {
  const run = { stoppedBy: undefined, restarts: 0 };
  return options.pause ? { kind: 'pausing', ...run } : { kind: 'starting', held: [], ...run };
}

/** Applies an event: returns the next state, and the effects to carry out in order. */
export function step(policy: Policy, before: State, event: Event): Step {
  if (before.kind === 'exiting') return next(before);
  const after = react(policy, before, event);
  const [running, fresh] = [timerOf(policy, before), timerOf(policy, after.state)];
  // A timer that has fired does not run any more. Its state may set it again.
  const old = event.kind === 'timer' && event.timer === running?.timer ? undefined : running;
  // Two states may both wait for 'slow', each for a time of its own.
  if (old?.timer === fresh?.timer && before.kind === after.state.kind) return after;
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
    case 'terminal-signal':
    case 'workload-stopped':
    case 'terminal-checked':
    case 'resumed':
      return state.kind === 'running' ? jobChanged(policy, state, event) : next(state);
    case 'children-left':
      return childrenLeft(policy, state);
    case 'no-child-left':
      return noChildLeft(policy, state, event.atMs);
    case 'survivors-out-of-reach':
      return outOfReach(policy, state, event);
    case 'timer':
      return timerFired(policy, state, event.timer);
    case 'owner-ended':
      return preceded([log('info', 'the owner has ended, everything ends')], endTree(policy, state));
    case 'input-ended':
      return preceded([log('info', 'standard input has ended')], inputEnded(policy, state));
    case 'kill-requested':
      return chain(endTree(policy, state), (now) => killNow(policy, now));
    case 'init-failed':
      return initFailed(policy, state, event.message);
    case 'cannot-wait':
      return cannotWait(policy, event.message);
  }
}

// --- Timers

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

function timerFired(policy: Policy, state: Living, timer: TimerName): Step {
  if (timerOf(policy, state)?.timer !== timer) return next(state);
  if (timer === 'slow') return stillWaiting(policy, state);
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

function stillWaiting({ slowMs }: Policy, state: Living): Step {
  if (state.kind === 'terminating') {
    const waitedMs = nextSlowMs(slowMs, state.waitedMs) as number;
    return next({ ...state, waitedMs }, explain({ kind: 'slow-survivors', waitedMs }));
  }
  if (state.kind !== 'running' && state.kind !== 'draining') return next(state);
  if (state.stopping.kind !== 'forwarded') return next(state);
  const waitedMs = nextSlowMs(slowMs, state.stopping.waitedMs) as number;
  return next(
    { ...state, stopping: { ...state.stopping, waitedMs } },
    explain({ kind: 'slow-stop', signal: state.stoppedBy as Signal, waitedMs }),
  );
}
