import { basename } from 'node:path';
import type { Signal } from '../native/types.ts';
import { exitStatus } from '../reaper/wait-status.ts';
import { SIGHUP, SIGTERM } from '../signals/numbers.ts';
import { signalNumber } from '../signals/signal-names.ts';
import { discardUnlessKept, endOf, endRun, isKilling, remapped, terminate } from './end.ts';
import { noteInterruption, takeTerminal, terminalStopSignals } from './job-control.ts';
import type { Effect, EventOf, Of, Policy, State, Step, Stopping } from './model.ts';
import { next, preceded, toExplain, toLog } from './steps.ts';
import { sentFor } from './stop.ts';

/** The start and the end of the workload. */

/** These end no process, signal(7): a shell's status above 128 never means one of them. */
const harmlessSignals: readonly Signal[] = (
  ['SIGCHLD', 'SIGCONT', 'SIGSTOP', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU', 'SIGURG', 'SIGWINCH'] as const
).map(signalNumber);
const LAST_NAMED_SIGNAL = 31;

export function started(
  policy: Policy,
  { stoppedBy, restarts }: Of<'starting'>,
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
  const start = toLog('info', 'workload started', {
    event: 'started',
    'process.pid': workload,
    'process.executable.name': basename(program),
  });
  return next(state, ...terminal, start);
}

export function startFailed(
  policy: Policy,
  state: Of<'starting'>,
  { status, message }: EventOf<'start-failed'>,
): Step {
  return preceded([toLog('error', message)], endRun(policy, endOf(state, status)));
}

export function ended(policy: Policy, state: Of<'running'>, event: EventOf<'workload-ended'>): Step {
  const { how, atMs } = event;
  const status = exitStatus(how);
  const { restarts, startedAtMs, stopping } = state;
  // The hang-up of the terminal reaches the workload's group alone, as a Ctrl-C does.
  const hungUpBy = how.kind === 'killed' && how.signal === SIGHUP ? SIGHUP : undefined;
  const interruptedBy = interruption(policy, state, event);
  const stoppedBy = state.stoppedBy ?? hungUpBy ?? interruptedBy;
  // A stop signal of init's may end the workload in the same way.
  const isNews =
    stopping.kind !== 'forwarded' && interruptedBy !== undefined && state.interruptedBy === undefined;
  const effects: Effect[] = [logEnd(event)];
  if (isUnexplained(policy, state, event)) effects.push(toExplain({ kind: 'end', how }));
  const drained = { kind: 'draining', stoppedBy, restarts, startedAtMs, status, late: [] } as const;
  const stop = stopOfOthers(policy, state, interruptedBy);
  if (stop !== undefined) {
    // Who got the signal with the workload keeps the terminal as well.
    return next(
      { ...drained, awaits: 'unknown', stopping: stop },
      ...(isNews ? [noteInterruption(interruptedBy, how.kind === 'killed')] : []),
      ...effects,
      ...discardUnlessKept(policy),
    );
  }
  effects.unshift(...takeTerminal(policy));
  // After a stop signal, init does not wait for descendants: it ends them.
  if (policy.options.until === 'all' && stoppedBy === undefined) {
    effects.push(toExplain({ kind: 'waiting' }), ...discardUnlessKept(policy));
    return next({ ...drained, awaits: 'descendants', stopping }, ...effects);
  }
  const sent = sentFor(policy, SIGTERM);
  if (policy.options.survivors === 'signal' && sent !== 'drop') {
    effects.push({ kind: 'signal-group', signal: sent });
  }
  const run = endOf({ stoppedBy, restarts }, status, atMs - startedAtMs);
  return preceded(effects, terminate(policy, state, run));
}

/** The Ctrl-C that the workload has ended after. It reaches the workload's group, and not init. */
function interruption(
  { options }: Policy,
  { interruptedBy }: Of<'running'>,
  { how, hadTerminal }: EventOf<'workload-ended'>,
): Signal | undefined {
  if (!hadTerminal) return interruptedBy;
  if (how.kind === 'killed' && terminalStopSignals.includes(how.signal)) return how.signal;
  // npm and shells pass it on as their status. An interactive shell may do so hours later: that must not end a restart, or
  // the wait for descendants.
  const isOnlyAboutSurvivors = options.restart.kind === 'no' && options.until === 'main';
  const passedOn = how.kind === 'exited' ? ((how.code - 128) as Signal) : undefined;
  const isPassedOn = passedOn !== undefined && terminalStopSignals.includes(passedOn);
  return isOnlyAboutSurvivors && isPassedOn ? passedOn : interruptedBy;
}

/** The stop that may go on without the workload: others got its signal too. undefined if there is none, or its time is over. */
function stopOfOthers(
  { options }: Policy,
  { stopping }: Of<'running'>,
  interruptedBy: Signal | undefined,
): Stopping | undefined {
  if (options.survivors !== 'end' || stopping.kind === 'killing' || stopping.kind === 'input-ended')
    return undefined;
  if (stopping.kind === 'forwarded') return stopping;
  return interruptedBy === undefined ? undefined : { kind: 'forwarded', waitedMs: 0 };
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
  return toLog('info', 'workload ended', { event: 'ended', 'process.pid': workload, ...end });
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
