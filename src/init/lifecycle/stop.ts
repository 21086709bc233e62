import type { Signal } from '../../native/types.ts';
import { signalNumber } from '../../signals/signal-names.ts';
import { isStopSignal } from '../../signals/stop-signals.ts';
import {
  asStopped,
  endOf,
  endOfDrained,
  exit,
  isKilling,
  killAfterTimeout,
  killNow,
  terminate,
} from './end.ts';
import {
  droppedMessages,
  HAND_OFF,
  type Living,
  type Of,
  type Policy,
  type State,
  type Step,
} from './model.ts';
import { chain, explain, log, next, preceded } from './steps.ts';

/** What a signal does, and a stop: its delay, its timeout, the end of the owner or of standard input. */

const SIGCONT = signalNumber('SIGCONT');
const SIGTERM = signalNumber('SIGTERM');

/** The states in which signals are forwarded. */
type Forwarding = Of<'running' | 'draining'>;

export function received(policy: Policy, state: Living, signal: Signal): Step {
  if (state.kind === 'starting') return next({ ...state, held: [...state.held, signal] });
  if (state.kind === 'running' && state.handOffSignals.includes(signal)) {
    const handOffSignals = state.handOffSignals.filter((other) => other !== signal);
    return next({ ...state, handOffSignals }, log('debug', HAND_OFF, { event: 'signal', signal }));
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
    return next(state, dropped);
  }
  if (isStop(policy, sent)) {
    const stop = log('info', 'stop signal received', { event: 'stop', signal, sent });
    return preceded([stop], stopReceived(policy, state, signal, sent));
  }
  if (isStopSignal(signal)) {
    // The workload ignores it from the start, or gets another one for it.
    const noStop = log('info', 'stop signal received, no stop begins', { event: 'signal', signal, sent });
    return preceded([noStop], forward(policy, state, signal, sent));
  }
  if (state.kind === 'running' && signal === SIGCONT && policy.terminal !== 'none') {
    // This gives the terminal only if the shell put the job into the foreground: fg, not bg.
    const forwarded = forward(policy, { ...state, suspendedBy: undefined }, signal, sent);
    return preceded([{ kind: 'give-terminal' }], forwarded);
  }
  return forward(policy, state, signal, sent);
}

export function sentFor({ options }: Policy, signal: Signal): Signal | 'drop' {
  return options.rewrite.get(signal) ?? signal;
}

export function isStop({ ignored }: Policy, sent: Signal | 'drop'): boolean {
  return sent !== 'drop' && isStopSignal(sent) && !ignored.includes(sent);
}

function stopReceived(
  policy: Policy,
  state: Exclude<Living, Of<'starting'>>,
  signal: Signal,
  sent: Signal,
): Step {
  const isSecond = state.stoppedBy !== undefined;
  const stoppedBy = state.stoppedBy ?? sent;
  switch (state.kind) {
    case 'running':
    case 'draining':
      return stopWorkload(policy, { ...state, stoppedBy }, signal, sent);
    case 'pausing':
      return terminate(policy, endOf({ ...state, stoppedBy }, 0));
    case 'terminating':
      return isSecond ? killNow(policy, state) : next({ ...state, stoppedBy });
    case 'backoff':
      return exit(state.status);
  }
}

function stopWorkload(policy: Policy, state: Forwarding, signal: Signal, sent: Signal): Step {
  const { stopDelayMs } = policy.options;
  switch (state.stopping.kind) {
    case 'no':
      if (stopDelayMs === 0) return beginStop(policy, state, { signal, sent });
      return next(
        { ...state, stopping: { kind: 'held', signal, sent } },
        log('info', 'stop signal held', { stopDelayMs }),
      );
    case 'held':
      // A second stop signal ends the delay. Forward the first one before it.
      return chain(beginStop(policy, state, state.stopping), (now) => forward(policy, now, signal, sent));
    case 'input-ended':
      // --stop-timeout sees to the rest. Without it the timer of the end does, and goes on.
      if (policy.options.stopTimeoutMs === undefined) return forward(policy, state, signal, sent);
      return stopWorkload(policy, { ...state, stopping: { kind: 'no' } }, signal, sent);
    case 'forwarded':
    case 'killing':
      return forward(policy, state, signal, sent);
  }
}

/** Forwards the first stop signal. The time of --stop-timeout begins. */
function beginStop(
  policy: Policy,
  state: Forwarding,
  { signal, sent }: { readonly signal: Signal; readonly sent: Signal },
): Step {
  return forward(policy, { ...state, stopping: { kind: 'forwarded', waitedMs: 0 } }, signal, sent);
}

function forward({ options }: Policy, state: State, signal: Signal, sent: Signal): Step {
  if (state.kind === 'running') return next(state, { kind: 'forward', signal, sent, scope: options.scope });
  if (state.kind === 'draining') return next(state, { kind: 'forward', signal, sent, scope: 'tree' });
  return next(state, log('debug', 'signal dropped, there is no workload', { event: 'signal', signal }));
}

export function stopTimerFired(policy: Policy, state: Forwarding): Step {
  const { stopping } = state;
  if (stopping.kind === 'held') return beginStop(policy, state, stopping);
  if (stopping.kind === 'input-ended') return endTree(policy, state);
  const waitedMs = policy.options.stopTimeoutMs as number;
  return killAfterTimeout(
    policy,
    state,
    explain({ kind: 'stop-timeout', signal: state.stoppedBy as Signal, waitedMs }),
  );
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
      return terminate(policy, endOf(stopped, 128 + SIGTERM), true);
    case 'draining':
      return terminate(policy, endOfDrained(stopped));
    case 'pausing':
      return terminate(policy, endOf(stopped, 0));
    case 'terminating':
      return next(stopped);
    case 'backoff':
      return exit(stopped.status);
    case 'starting':
      // Between these two events is no turn of the event loop, which all others come from.
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
