import type { Signal } from '../../native/types.ts';
import { signalNumber } from '../../signals/signal-names.ts';
import type { Effect, EventOf, Of, Policy, Step } from './model.ts';
import { next } from './steps.ts';

/** The workload on a terminal: Ctrl-C, Ctrl-Z, fg and bg. */

const SIGSTOP = signalNumber('SIGSTOP');
/** Ctrl-C and Ctrl-\ send these. */
export const terminalStopSignals: readonly Signal[] = (['SIGINT', 'SIGQUIT'] as const).map(signalNumber);
/** The terminal sends these to background processes that use it. */
const terminalAccessSignals: readonly Signal[] = (['SIGTTIN', 'SIGTTOU'] as const).map(signalNumber);

type JobEvent = EventOf<'terminal-signal' | 'workload-stopped' | 'terminal-checked' | 'resumed'>;

export function jobChanged(policy: Policy, state: Of<'running'>, event: JobEvent): Step {
  switch (event.kind) {
    case 'terminal-signal':
      return interrupted(state, event.signal);
    case 'workload-stopped':
      return stopped(policy, state, event.signal);
    case 'terminal-checked':
      return terminalChecked(policy, state, event);
    case 'resumed':
      return resumed(state);
  }
}

/**
 * The workload may handle it: if it ends after that, however it does, it was stopped. Before, nothing is hurried: a shell
 * gets many a Ctrl-C.
 */
function interrupted(state: Of<'running'>, signal: Signal): Step {
  return terminalStopSignals.includes(signal) ? next({ ...state, interruptedBy: signal }) : next(state);
}

function stopped({ terminal }: Policy, state: Of<'running'>, signal: Signal): Step {
  if (terminal === 'none') return next(state);
  const check: Effect = { kind: 'check-terminal', stoppedBy: signal };
  return terminalAccessSignals.includes(signal)
    ? next(state, { kind: 'give-terminal' }, check)
    : next(state, check);
}

function terminalChecked(
  { isPid1 }: Policy,
  state: Of<'running'>,
  { stoppedBy, workloadHasIt }: EventOf<'terminal-checked'>,
): Step {
  const asksForTerminal = terminalAccessSignals.includes(stoppedBy);
  if (asksForTerminal && workloadHasIt) return next(state, { kind: 'continue-workload' });
  // A SIGSTOP that somebody sent with kill has nothing to do with the terminal. But a program that has the terminal may
  // stop itself that way too (top).
  if (stoppedBy === SIGSTOP && !workloadHasIt) return next(state);
  // No shell above could continue PID 1, and the kernel ignores a stop of PID 1 itself.
  if (isPid1) return asksForTerminal ? next(state) : next(state, { kind: 'continue-workload' });
  // init stops too, so that the shell above takes over.
  return next({ ...state, suspendedBy: stoppedBy }, { kind: 'take-terminal' }, { kind: 'suspend' });
}

/**
 * A SIGCONT has cleared `suspendedBy`. Without a SIGCONT, the kernel ignored the stop, since there is no shell above (an
 * orphaned process group): continue the workload, or Ctrl-Z would stop it for good. But do not continue a workload that
 * asked for a terminal that it cannot have: it would only ask again.
 */
function resumed(state: Of<'running'>): Step {
  const { suspendedBy } = state;
  const awake = { ...state, suspendedBy: undefined };
  if (suspendedBy === undefined || terminalAccessSignals.includes(suspendedBy)) return next(awake);
  return next(awake, { kind: 'give-terminal' }, { kind: 'continue-workload' });
}

export function takeTerminal({ terminal }: Policy): readonly Effect[] {
  return terminal === 'none' ? [] : [{ kind: 'take-terminal' }];
}
