import { SIGKILL, SIGTERM } from '../signals/numbers.ts';
import { takeTerminal } from './job-control.ts';

import type { Effect, EventOf, Living, Of, Policy, Run, RunEnd, State, Step } from './model.ts';
import { next, preceded, toExplain, toLog } from './steps.ts';

/** The end of a run: survivors, the next run, the exit of init, and its own failure. */

/** The exit status of init's own failure. */
const FAILED = 125;

const FIRST_BACKOFF_MS = 200;
const LONGEST_BACKOFF_MS = 10_000;
/** A run this long counts as a success: the next failure starts a new count. */
const GOOD_RUN_MS = 10_000;

const discardStatuses: Effect = { kind: 'discard-statuses', discard: true };
const takeBack: Effect = { kind: 'take-back' };
const toKill: Effect = { kind: 'kill' };

/** @param runMs matters to --restart alone, and so not after a stop signal */
export function endOf({ stoppedBy, restarts }: Run, status: number, runMs = 0): RunEnd {
  return { stoppedBy, restarts: runMs >= GOOD_RUN_MS ? 0 : restarts, status, hasFailed: false };
}

/** If the workload exited with 0, and a stop signal then ended its descendants, the status is that of the signal. */
export function endOfDrained(state: Of<'draining'>, runMs = 0): RunEnd {
  const { status, stoppedBy, awaits } = state;
  const isStoppedLate = awaits === 'descendants' && status === 0 && stoppedBy !== undefined;
  return endOf(state, isStoppedLate ? 128 + stoppedBy : status, runMs);
}

export function asStopped<Stopped extends Run>(state: Stopped): Stopped {
  return { ...state, stoppedBy: state.stoppedBy ?? SIGTERM };
}

/** Ends the run. If there are survivors, their grace time begins, unless --stop-timeout has expired. */
export function terminate(policy: Policy, before: Living, run: RunEnd, workloadRuns = false): Step {
  const state: Of<'terminating'> = {
    kind: 'terminating',
    ...run,
    survivors: 'unknown',
    waitedMs: 0,
    workloadRuns,
  };
  const effects = awaitsStatus(state) ? [takeBack] : discardUnlessKept(policy);
  return isKilling(before) ? preceded(effects, killSurvivors(policy, state)) : next(state, ...effects);
}

/** Whether the status of the workload will be init's. */
function awaitsStatus({ workloadRuns, hasFailed }: Of<'terminating'>): boolean {
  return workloadRuns && !hasFailed;
}

/** Once the workload has ended, statuses only matter to those who keep them. */
export function discardUnlessKept({ keepsStatuses }: Policy): readonly Effect[] {
  return keepsStatuses ? [] : [discardStatuses];
}

// --- Survivors

export function childrenLeft(policy: Policy, state: Living): Step {
  if (isKilling(state)) return next(state, toKill);
  if (state.kind === 'draining' && state.awaits !== 'descendants')
    return next(state, { kind: 'find-stopping' });
  if (state.kind !== 'terminating') return next(state);
  if (state.survivors === 'killing') return killAgain(policy, state);
  if (leavesSurvivors(policy, state)) return toExit(finalStatus(policy, state));
  if (state.survivors === 'asked') return next(state);
  if (policy.options.graceMs === 0) return killNow(policy, state);
  const ask: Effect = { kind: 'ask', everybody: isLast(policy, state) };
  return next({ ...state, survivors: 'asked' }, toExplain({ kind: 'asking' }), ask);
}

/** Whether --stop-timeout has expired in this run. */
export function isKilling(state: State): boolean {
  return 'stopping' in state && state.stopping.kind === 'killing';
}

/** Before another run, and if init has failed, it ends them in any case. */
function leavesSurvivors(policy: Policy, state: Of<'terminating'>): boolean {
  return policy.options.survivors !== 'end' && !state.hasFailed && backoffMs(policy, state) === undefined;
}

/** --stop-timeout has expired: no grace time follows. */
export function killAfterTimeout(policy: Policy, state: Of<'running' | 'draining'>, timedOut: Effect): Step {
  if (policy.isPid1 && state.kind === 'draining') return preceded([timedOut], exitKilling(policy, state));
  const killing = { ...state, stopping: { kind: 'killing' } as const };
  // Once the workload has ended, no status is needed any more.
  const discard = state.kind === 'draining' ? [discardStatuses] : [];
  return next(killing, timedOut, ...discard, toKill);
}

/** PID 1 exits, whatever else runs: the kernel kills everything, also what init may not signal. */
export function exitKilling(policy: Policy, state: Of<'running' | 'draining'>): Step {
  const run = state.kind === 'draining' ? endOfDrained(state) : endOf(state, 128 + SIGKILL);
  return toExit(finalStatus(policy, run));
}

/** Ends the grace time. */
export function killNow(policy: Policy, state: State): Step {
  if (state.kind !== 'terminating' || state.survivors === 'killing') return next(state);
  return preceded([toExplain({ kind: 'killing' })], killSurvivors(policy, state));
}

function killSurvivors(policy: Policy, state: Of<'terminating'>): Step {
  const status = awaitsStatus(state) ? 128 + SIGKILL : state.status;
  const discard = policy.keepsStatuses || awaitsStatus(state) ? [discardStatuses] : [];
  const round = killAgain(policy, { ...state, status, survivors: 'killing' });
  return round.state.kind === 'exiting' ? round : preceded(discard, round);
}

/** When PID 1 ends, the kernel kills everything left in the namespace, and waits for it: there is no race to lose. */
function killAgain(policy: Policy, state: Of<'terminating'>): Step {
  return isLast(policy, state) ? toExit(finalStatus(policy, state)) : next(state, toKill);
}

/**
 * Whether PID 1 ends with this run. Only then may init signal everybody in the namespace: a restart must not touch
 * processes that entered it from outside (docker exec, a probe).
 */
function isLast(policy: Policy, state: Of<'terminating'>): boolean {
  if (!policy.isPid1) return false;
  return backoffMs(policy, state) === undefined;
}

export function noChildLeft(policy: Policy, state: Living, atMs: number): Step {
  if (state.kind === 'terminating') return endRun(policy, state);
  if (state.kind === 'draining') return endRun(policy, endOfDrained(state, atMs - state.startedAtMs));
  // Nothing would ever tell of the workload's end.
  if (state.kind === 'running') return cannotWait(policy, 'wait4 does not find the workload');
  return next(state);
}

export function outOfReach(
  policy: Policy,
  state: Living,
  { why, error }: EventOf<'survivors-out-of-reach'>,
): Step {
  const fields = error === undefined ? undefined : { error };
  if (policy.isPid1 && state.kind === 'running' && isKilling(state)) return exitKilling(policy, state);
  if (state.kind !== 'terminating' && state.kind !== 'draining') {
    return next(state, toLog('warn', `${why}; waiting for the workload to end`, fields));
  }
  const run = state.kind === 'terminating' ? state : endOfDrained(state);
  return preceded([toLog('warn', `${why}; leaving them behind`, fields)], endRun(policy, run, false));
}

// --- The next run

/** @param mayRestart false if a survivor could not be ended */
export function endRun(policy: Policy, run: RunEnd, mayRestart = true): Step {
  const status = finalStatus(policy, run);
  // A survivor may have had the terminal until now.
  const effects: Effect[] = [{ kind: 'forget-survivors' }, ...takeTerminal(policy)];
  const delayMs = mayRestart ? backoffMs(policy, run) : undefined;
  if (delayMs === undefined) return preceded(effects, toExit(status));
  const { stoppedBy, restarts } = run;
  const state: State = { kind: 'backoff', stoppedBy, restarts: restarts + 1, delayMs, status };
  const restart = toLog('warn', 'restarting the workload', { event: 'restart', status, delayMs });
  return next(state, ...effects, restart);
}

/** How long --restart waits before the next run, doubled for each run; undefined if there is none. */
function backoffMs(policy: Policy, run: RunEnd): number | undefined {
  const { restart } = policy.options;
  if (restart.kind === 'no' || run.stoppedBy !== undefined) return undefined;
  if (restart.kind === 'on-failure' && (finalStatus(policy, run) === 0 || run.restarts >= restart.limit)) {
    return undefined;
  }
  return Math.min(FIRST_BACKOFF_MS * 2 ** run.restarts, LONGEST_BACKOFF_MS);
}

export function startAgain({ stoppedBy, restarts }: Of<'backoff'>): Step {
  return next(
    { kind: 'starting', stoppedBy, restarts },
    { kind: 'discard-statuses', discard: false },
    { kind: 'start' },
  );
}

/** The exit status of init if no other run follows. */
function finalStatus(policy: Policy, { status, hasFailed }: RunEnd): number {
  return hasFailed ? status : remapped(policy, status);
}

export function remapped({ options }: Policy, status: number): number {
  return options.remapExit.get(status) ?? status;
}

export function toExit(status: number): Step {
  const exiting = toLog('info', 'exiting', { event: 'exit', 'process.exit.code': status });
  return next({ kind: 'exiting', status }, exiting, { kind: 'exit', status });
}

// --- The failure of init

/**
 * An exception in init: it can no longer promise anything about the workload, so it ends the whole tree in order. A second
 * exception may come from that very work: it ends everything at once.
 */
export function initFailed(policy: Policy, state: Living, error: string): Step {
  const isSecond = state.kind === 'terminating' && state.hasFailed;
  if (isSecond || state.kind === 'starting' || state.kind === 'backoff') {
    return endAtOnce(policy, 'init failed; exiting', error);
  }
  // As after a stop signal, nothing is started again.
  const run = asStopped(state);
  const ending =
    run.kind === 'terminating'
      ? next({ ...run, status: FAILED, hasFailed: true })
      : terminate(policy, run, { ...endOf(run, FAILED), hasFailed: true }, run.kind === 'running');
  return preceded([toLog('fatal', 'init failed; ending the workload', { error })], ending);
}

export function cannotWait(policy: Policy, why: string): Step {
  return endAtOnce(policy, 'cannot learn how the workload ended; exiting', why);
}

function endAtOnce(policy: Policy, message: string, error: string): Step {
  // When PID 1 ends, the kernel kills everything left in the namespace.
  const killing: readonly Effect[] = policy.isPid1 ? [] : [{ kind: 'kill-at-once' }];
  return preceded([toLog('fatal', message, { error }), ...killing], toExit(FAILED));
}
