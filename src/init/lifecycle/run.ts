import { basename } from 'node:path';
import type { Signal } from '../../native/types.ts';
import { exitStatus } from '../../reaper/wait-status.ts';
import { signalNumber } from '../../signals/signal-names.ts';
import { discardUnlessKept, endOf, endRun, isKilling, killSurvivors, remapped, terminate } from './end.ts';
import { takeTerminal, terminalStopSignals } from './job-control.ts';
import type { Effect, EventOf, Of, Policy, State, Step } from './model.ts';
import { chain, explain, log, next, preceded } from './steps.ts';
import { isStop, received, sentFor } from './stop.ts';

/** The start and the end of the workload. */

const SIGHUP = signalNumber('SIGHUP');
const SIGTERM = signalNumber('SIGTERM');
/** These end no process, signal(7): a shell's status above 128 never means one of them. */
const harmlessSignals: readonly Signal[] = (
  ['SIGCHLD', 'SIGCONT', 'SIGSTOP', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU', 'SIGURG', 'SIGWINCH'] as const
).map(signalNumber);
const LAST_NAMED_SIGNAL = 31;

export function started(
  policy: Policy,
  { held, stoppedBy, restarts }: Of<'starting'>,
  { atMs: startedAtMs, workload, program }: EventOf<'workload-started'>,
): Step {
  const state: State = {
    kind: 'running',
    stoppedBy,
    restarts,
    startedAtMs,
    stopping: { kind: 'no' },
    suspendedBy: undefined,
    interruptedBy: undefined,
    handOffSignals: restarts === 0 ? policy.handOffSignals : [],
  };
  // The workload may have used the terminal before it got it, and been stopped for that.
  const terminal: readonly Effect[] =
    policy.terminal === 'own' ? [{ kind: 'give-terminal' }, { kind: 'continue-workload' }] : [];
  const start = log('info', 'workload started', {
    event: 'started',
    'process.pid': workload,
    'process.executable.name': basename(program),
  });
  return held.reduce(
    (steps, signal) =>
      chain(steps, (now) => (now.kind === 'exiting' ? next(now) : received(policy, now, signal))),
    next(state, ...terminal, start),
  );
}

export function startFailed(
  policy: Policy,
  state: Of<'starting'>,
  { status, message }: EventOf<'start-failed'>,
): Step {
  const stoppedBy = state.stoppedBy ?? state.held.find((signal) => isStop(policy, sentFor(policy, signal)));
  return preceded([log('error', message)], endRun(policy, endOf({ ...state, stoppedBy }, status)));
}

export function ended(policy: Policy, state: Of<'running'>, event: EventOf<'workload-ended'>): Step {
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
    effects.push(explain({ kind: 'waiting' }), ...discardUnlessKept(policy));
    return next({ kind: 'draining', stoppedBy, restarts, startedAtMs, status, stopping }, ...effects);
  }
  const sent = sentFor(policy, SIGTERM);
  if (policy.options.survivors === 'signal' && sent !== 'drop') {
    effects.push({ kind: 'signal-group', signal: sent });
  }
  const ending = terminate(policy, endOf({ stoppedBy, restarts }, status, atMs - startedAtMs));
  return preceded(effects, isKilling(state) ? chain(ending, (now) => killSurvivors(policy, now)) : ending);
}

/** The workload has ended, which init had asked for. */
export function endedAsAsked(
  policy: Policy,
  state: Of<'terminating'>,
  event: EventOf<'workload-ended'>,
): Step {
  const status = state.hasFailed ? state.status : exitStatus(event.how);
  // They have been discarded before, if init has failed or kills.
  const isDiscarded = state.hasFailed || state.survivors === 'killing';
  return next(
    { ...state, workloadRuns: false, status },
    ...takeTerminal(policy),
    logEnd(event),
    ...(isDiscarded ? [] : discardUnlessKept(policy)),
  );
}

function logEnd({ how, workload }: EventOf<'workload-ended'>): Effect {
  const end = how.kind === 'exited' ? { 'process.exit.code': how.code } : { signal: how.signal };
  return log('info', 'workload ended', { event: 'ended', 'process.pid': workload, ...end });
}

/** Whether the workload ended by a signal that came neither from init nor from the terminal, or looks as if it did. */
function isUnexplained(
  policy: Policy,
  state: Of<'running'>,
  { how, hadTerminal, forwarded }: EventOf<'workload-ended'>,
): boolean {
  if (remapped(policy, exitStatus(how)) === 0) return false;
  if (how.kind === 'killed') {
    const isFromTerminal =
      (hadTerminal && terminalStopSignals.includes(how.signal)) ||
      (policy.terminal !== 'none' && how.signal === SIGHUP);
    return !isKilling(state) && !isFromTerminal && !forwarded.includes(how.signal);
  }
  const signal = (how.code - 128) as Signal;
  const isLikeSignal = signal > 0 && signal <= LAST_NAMED_SIGNAL && !harmlessSignals.includes(signal);
  // What a terminal sends may not be seen: a program that handles a Ctrl-C passes its status on, also hours later.
  const isOfTerminal = policy.terminal !== 'none' && [SIGHUP, ...terminalStopSignals].includes(signal);
  // For the signal that came, init may have sent another one: 143 after --rewrite TERM:INT.
  const sent = sentFor(policy, signal);
  const isForwarded = forwarded.includes(signal) || (sent !== 'drop' && forwarded.includes(sent));
  return isLikeSignal && !isOfTerminal && !isForwarded;
}
