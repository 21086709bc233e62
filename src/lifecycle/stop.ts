import type { Signal } from '../native/types.ts';
import { SIGCONT, SIGTERM } from '../signals/numbers.ts';
import { isStopSignal } from '../signals/stop-signals.ts';
import {
  asStopped,
  childrenLeft,
  endOf,
  endOfDrained,
  isKilling,
  killAfterTimeout,
  killNow,
  terminate,
  toExit,
} from './end.ts';
import { takeTerminal } from './job-control.ts';
import type { Effect, Living, Of, Policy, Sending, State, Step } from './model.ts';
import type { LifecycleOptions } from './options.ts';
import { chain, next, preceded, toExplain, toLog } from './steps.ts';

/** What a signal does, and a stop: its delay, its timeout, the end of the owner or of standard input. */

/** The states in which signals are forwarded. */
type Forwarding = Of<'running' | 'draining'>;

export function received(policy: Policy, state: Living, signal: Signal): Step {
  if (state.kind === 'running' && state.handOffSignals.includes(signal)) {
    const handOffSignals = state.handOffSignals.filter((other) => other !== signal);
    return next({ ...state, handOffSignals }, { kind: 'drop', signal, why: 'handed-over' });
  }
  const passed = pass(policy, state, signal);
  if (state.kind !== 'running' || !policy.options.suspendOn.includes(signal)) return passed;
  return { state: passed.state, effects: [...passed.effects, { kind: 'stop-self' }] };
}

function pass(policy: Policy, state: Living, signal: Signal): Step {
  const sent = sentFor(policy, signal);
  if (sent === 'drop') return next(state, { kind: 'drop', signal, why: 'rewritten' });
  const sending = { signal, sent };
  if (isStop(policy, sent)) {
    const stop = toLog('info', 'stop signal received', { event: 'stop', ...sending });
    return preceded([stop], stopReceived(policy, state, sending));
  }
  if (isStopSignal(signal)) {
    // The workload ignores it from the start, or gets another one for it.
    const noStop = toLog('info', 'stop signal received, not treated as a stop', {
      event: 'signal',
      ...sending,
    });
    return preceded([noStop], forward(policy, state, sending));
  }
  if (state.kind === 'running' && signal === SIGCONT && policy.terminal !== 'none') {
    // This gives the terminal only if the shell put the job into the foreground: fg, not bg.
    const forwarded = forward(policy, { ...state, suspendedBy: undefined }, sending);
    return preceded([{ kind: 'give-terminal' }], forwarded);
  }
  return forward(policy, state, sending);
}

export function sentFor({ options }: Policy, signal: Signal): Signal | 'drop' {
  return options.rewrite.get(signal) ?? signal;
}

function isStop({ ignored }: Policy, sent: Signal | 'drop'): boolean {
  return sent !== 'drop' && isStopSignal(sent) && !ignored.includes(sent);
}

function stopReceived(policy: Policy, state: Living, sending: Sending): Step {
  const isSecond = state.stoppedBy !== undefined;
  const stopped = { ...state, stoppedBy: state.stoppedBy ?? sending.sent };
  if (stopped.kind === 'running' || stopped.kind === 'draining')
    return stopWorkload(policy, stopped, sending);
  return isSecond ? killNow(policy, stopped) : endTree(policy, stopped);
}

function stopWorkload(policy: Policy, state: Forwarding, sending: Sending): Step {
  if (state.kind === 'draining' && state.awaits === 'unknown') {
    // Pending signals of one kind merge, signal(7).
    const others = state.late.filter(({ sent }) => sent !== sending.sent);
    return next({ ...state, late: [...others, sending] });
  }
  const { stopDelayMs } = policy.options;
  switch (state.stopping.kind) {
    case 'no':
      if (stopDelayMs === 0) return beginStop(policy, state, sending);
      return next(
        { ...state, stopping: { kind: 'held', ...sending } },
        toLog('info', 'stop signal held', { stopDelayMs }),
      );
    case 'held':
      // A second stop signal ends the delay. Forward the first one before it.
      return chain(beginStop(policy, state, state.stopping), (now) => forward(policy, now, sending));
    case 'input-ended':
      // --stop-timeout sees to the rest. Without it the timer of the end does, and goes on.
      if (policy.options.stopTimeoutMs === undefined) return forwardFirst(policy, state, sending);
      return stopWorkload(policy, { ...state, stopping: { kind: 'no' } }, sending);
    case 'forwarded':
    case 'killing':
      return forward(policy, state, sending);
  }
}

/** Forwards the first stop signal. The time of --stop-timeout begins. */
function beginStop(policy: Policy, state: Forwarding, sending: Sending): Step {
  return forwardFirst(policy, { ...state, stopping: { kind: 'forwarded', waitedMs: 0 } }, sending);
}

/** Who acts on it is not asked again. */
function forwardFirst(policy: Policy, state: Forwarding, sending: Sending): Step {
  const forwarded = forward(policy, state, sending);
  // A dialect asks nobody else.
  if (policy.options.survivors !== 'end') return forwarded;
  const scope = scopeOf(policy, state);
  return preceded([{ kind: 'note-recipients', signal: sending.sent, scope, when: 'before' }], forwarded);
}

function forward(policy: Policy, state: State, { signal, sent }: Sending): Step {
  if (state.kind === 'running' || state.kind === 'draining')
    return next(state, { kind: 'forward', signal, sent, scope: scopeOf(policy, state) });
  return next(state, { kind: 'drop', signal, why: 'no-workload' });
}

/** Once the workload has ended, a signal is for what has taken its place. */
function scopeOf({ options: { scope } }: Policy, state: Forwarding): LifecycleOptions['scope'] {
  if (state.kind === 'running') return scope;
  return scope === 'tree' || state.awaits === 'descendants' ? 'tree' : 'group';
}

export function stopTimerFired(policy: Policy, state: Forwarding): Step {
  const { stopping } = state;
  if (stopping.kind === 'held') return beginStop(policy, state, stopping);
  if (stopping.kind === 'input-ended') return endTree(policy, state);
  const waitedMs = policy.options.stopTimeoutMs as number;
  return killAfterTimeout(policy, state, explainStop('stop-timeout', policy, state, waitedMs));
}

export function explainStop(
  kind: 'slow-stop' | 'stop-timeout',
  policy: Policy,
  state: Forwarding,
  waitedMs: number,
): Effect {
  const [signal, scope] = [state.stoppedBy as Signal, scopeOf(policy, state)];
  return toExplain({ kind, signal, scope, waitedMs });
}

/** What got the stop signal with the workload has the workload's time. The rest is asked once the last of them has ended. */
export function stoppingFound(policy: Policy, state: Living, isAny: boolean): Step {
  if (state.kind !== 'draining' || state.awaits === 'descendants' || isKilling(state)) return next(state);
  const { late } = state;
  if (!isAny) {
    const ending = terminate(policy, state, endOfDrained(state));
    const asked = chain(ending, (now) => childrenLeft(policy, now as Living));
    const ended = late.length === 0 ? asked : chain(asked, (now) => killNow(policy, now));
    return preceded(takeTerminal(policy), ended);
  }
  if (state.awaits === 'stopping') return next(state);
  const [signal, scope] = [state.stoppedBy as Signal, scopeOf(policy, state)];
  const found = next(
    { ...state, awaits: 'stopping', late: [] },
    toExplain({ kind: 'stopping', signal, scope }),
  );
  return late.reduce((step, sending) => chain(step, (now) => forward(policy, now, sending)), found);
}

// --- The end of the owner, or of standard input

/**
 * Ends whatever there is: SIGTERM to every process, --grace, SIGKILL. Nobody is left to wait for a --stop-delay, or to
 * insist. It counts as a stop signal: nothing is started again, and a signal after it is a second one.
 */
export function endTree(policy: Policy, state: Living): Step {
  if (isKilling(state)) return next(state);
  const stopped = asStopped(state);
  switch (stopped.kind) {
    case 'running':
      // The workload ends like a survivor. Its status is init's, if it ends before SIGKILL.
      return terminate(policy, stopped, endOf(stopped, 128 + SIGTERM), true);
    case 'draining':
      return terminate(policy, stopped, endOfDrained(stopped));
    case 'pausing':
      return terminate(policy, stopped, endOf(stopped, 0));
    case 'terminating':
      return next(stopped);
    case 'backoff':
      return toExit(stopped.status);
    case 'starting':
      // Nothing comes between the start and what becomes of it.
      return next(state);
  }
}

/** A workload that reads its input to the end ends by itself. So it gets --grace before anything else is done. */
export function inputEnded(policy: Policy, state: Living): Step {
  if (state.kind !== 'running' && state.kind !== 'draining') return endTree(policy, state);
  const { kind } = state.stopping;
  const willEnd = kind !== 'no' && policy.options.stopTimeoutMs !== undefined;
  if (willEnd || kind === 'killing') return next(state);
  return next({ ...asStopped(state), stopping: { kind: 'input-ended' } });
}
