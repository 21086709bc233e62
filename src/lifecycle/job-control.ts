import type { Signal } from '../native/types.ts';
import { SIGSTOP, SIGTSTP } from '../signals/numbers.ts';
import { signalNumber } from '../signals/signal-names.ts';
import type { Effect, EventOf, Of, Policy, Step } from './model.ts';
import { next } from './steps.ts';

/** The workload on a terminal: Ctrl-C, Ctrl-Z, fg and bg. */

/** Ctrl-C and Ctrl-\ send these. */
export const terminalStopSignals: readonly Signal[] = (['SIGINT', 'SIGQUIT'] as const).map(signalNumber);
/** The terminal sends these to background processes that use it. */
const terminalAccessSignals: readonly Signal[] = (['SIGTTIN', 'SIGTTOU'] as const).map(signalNumber);

/**
 * The workload may handle it: if it ends after that, however it does, it was stopped. Before, nothing is hurried: a shell
 * gets many a Ctrl-C.
 */
export function interrupted(state: Of<'running'>, signal: Signal): Step {
  if (!terminalStopSignals.includes(signal)) return next(state);
  return next({ ...state, interruptedBy: signal }, noteInterruption(signal, true));
}

/** @param isCertain the terminal has sent the Ctrl-C to the whole group; otherwise a status looks like that */
export function noteInterruption(signal: Signal, isCertain: boolean): Effect {
  return { kind: 'note-recipients', signal, scope: 'group', when: isCertain ? 'sent' : 'perhaps-sent' };
}

export function stopped({ terminal }: Policy, state: Of<'running'>, signal: Signal): Step {
  if (terminal === 'none') return next(state);
  const check: Effect = { kind: 'check-terminal', stoppedBy: signal };
  return terminalAccessSignals.includes(signal)
    ? next(state, { kind: 'give-terminal' }, check)
    : next(state, check);
}

export function terminalChecked(
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

/** What is stopping gets the terminal as the workload did. But it is no job any more: a Ctrl-Z would hold it up for good. */
export function stoppedInStop(state: Of<'draining'>, signal: Signal): Step {
  if (state.awaits === 'descendants') return next(state);
  if (signal === SIGTSTP) return next(state, { kind: 'continue-workload' });
  if (!terminalAccessSignals.includes(signal)) return next(state);
  return next(state, { kind: 'give-terminal' }, { kind: 'check-terminal', stoppedBy: signal });
}

export function checkedInStop(state: Of<'draining'>, { workloadHasIt }: EventOf<'terminal-checked'>): Step {
  return workloadHasIt ? next(state, { kind: 'continue-workload' }) : next(state);
}

/**
 * A SIGCONT has cleared `suspendedBy`. Without a SIGCONT, the kernel ignored the stop, since there is no shell above (an
 * orphaned process group): continue the workload, or Ctrl-Z would stop it for good. But do not continue a workload that
 * asked for a terminal that it cannot have: it would only ask again.
 */
export function resumed(state: Of<'running'>): Step {
  const { suspendedBy } = state;
  const awake = { ...state, suspendedBy: undefined };
  if (suspendedBy === undefined || terminalAccessSignals.includes(suspendedBy)) return next(awake);
  return next(awake, { kind: 'give-terminal' }, { kind: 'continue-workload' });
}

export function takeTerminal({ terminal }: Policy): readonly Effect[] {
  return terminal === 'none' ? [] : [{ kind: 'take-terminal' }];
}
