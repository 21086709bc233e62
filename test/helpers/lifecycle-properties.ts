import type { Explained } from '../../src/lifecycle/explained.ts';
import type { Effect, Policy, State } from '../../src/lifecycle/model.ts';
import { isStopSignal } from '../../src/signals/stop-signals.ts';
import {
  isForwarding,
  isStopped,
  killed,
  type Move,
  type Phase,
  restartsInARow,
  type World,
} from './lifecycle-world.ts';

/** What must hold, whatever happens: README.md and docs/why.md say it to users. */

/** What is wrong with an effect in the world that it meets. */
export function effectObjection(policy: Policy, world: World, effect: Effect): string | undefined {
  if (world.exits > 0) return `an effect after the exit: ${effect.kind}`;
  switch (effect.kind) {
    case 'start':
      return startObjection(policy, world);
    case 'forward':
      return forwardObjection(policy, world, effect);
    case 'ask':
      if (world.phase !== 'ending') return 'survivors are asked to end, and there are none';
      if (world.hasAsked || world.isKilling) return 'survivors are asked again';
      if (policy.options.graceMs === 0) return 'survivors are asked, and have no time to answer';
      return everybodyObjection(policy, world, effect.everybody);
    case 'kill':
      if (policy.isPid1 && !mayRestart(policy, world) && !world.workloadRuns)
        return 'PID 1 kills, and its exit would kill everything';
      return killObjection(world);
    case 'stop-self':
      return world.workloadRuns ? undefined : 'init stops itself, and no workload runs';
    case 'signal-group':
      return world.workloadRuns || policy.options.survivors !== 'signal'
        ? 'the group of the workload is signalled as what it has left, and it is not'
        : undefined;
    case 'kill-at-once':
      return world.isLost ? undefined : 'everything is killed at once, and nothing asks for it';
    case 'discard-statuses':
      return effect.discard ? discardObjection(policy, world) : undefined;
    case 'set-timer':
    case 'clear-timer':
      return timerObjection(policy, world, effect);
    case 'note-recipients':
      return noteObjection(policy, world, effect);
    case 'find-stopping':
      return world.phase === 'stopping' && !world.isKilling
        ? undefined
        : 'init looks who is stopping, and nobody can be';
    case 'continue-workload':
      if (world.phase === 'stopping') return undefined;
      return world.workloadRuns ? undefined : 'continue-workload, and no workload runs';
    case 'give-terminal':
      return world.workloadRuns ? undefined : `${effect.kind}, and no workload runs`;
    case 'suspend':
      if (policy.isPid1) return 'PID 1 stops itself, and nobody could continue it';
      return world.hasGivenTerminal
        ? 'init stops itself, and the shell does not get the terminal'
        : undefined;
    case 'explain':
      return explanationObjection(world, effect.what);
    case 'exit':
      return exitObjection(policy, world, effect.status);
    default:
      return undefined;
  }
}

function startObjection(policy: Policy, world: World): string | undefined {
  if (world.hasChildren) return 'a start while a process of the last run lives';
  if (isStopped(world)) return 'a start after a stop signal';
  if (world.phase !== 'over' || !mayRestart(policy, world)) return 'a start that --restart does not ask for';
  if (world.everybodySignalled) return 'a start after everybody was signalled';
  if (world.discardsStatuses) return 'a start whose status the kernel would discard';
  return undefined;
}

function forwardObjection(
  { options }: Policy,
  world: World,
  { sent, scope }: Extract<Effect, { kind: 'forward' }>,
): string | undefined {
  if (!isForwarding(world)) return 'a signal forwarded to no workload';
  if (sent === world.delayed?.sent) return 'a stop signal is forwarded before the delay is over';
  if (sent !== world.owed[0]) return 'a signal forwarded that nobody sent, or in the wrong order';
  const expected = scopeIn(options, world);
  if (scope !== expected) return `a signal forwarded to the ${scope}, not to the ${expected}`;
  const isFirst = options.survivors === 'end' && world.stoppedBy === sent && !world.hasNoted;
  return isFirst && world.phase === 'running' && isStopSignal(sent)
    ? 'a stop signal is sent, and init has not looked who gets it'
    : undefined;
}

/** What has taken the place of the workload gets what the workload would have got. */
function scopeIn({ scope }: Policy['options'], { phase }: World): Policy['options']['scope'] {
  if (phase === 'draining') return 'tree';
  return phase === 'stopping' && scope === 'child' ? 'group' : scope;
}

function noteObjection(
  { options }: Policy,
  world: World,
  { signal, scope, when }: Extract<Effect, { kind: 'note-recipients' }>,
): string | undefined {
  if (when !== 'before')
    return world.interruptedBy === signal || !world.workloadRuns ? undefined : 'a Ctrl-C that nobody typed';
  if (signal !== world.owed[0]) return 'init looks who gets a signal that it does not send';
  return scope === scopeIn(options, world) ? undefined : 'init looks in the wrong place';
}

function killObjection({ killInMs }: World): string | undefined {
  if (killInMs === undefined) return 'SIGKILL, and nothing asks for it';
  return killInMs > 0 ? `SIGKILL comes ${killInMs} ms early` : undefined;
}

/** Only the last ending of PID 1 may take the processes that entered from outside, and it must. */
function everybodyObjection(policy: Policy, world: World, everybody: boolean): string | undefined {
  const isLast = policy.isPid1 && !mayRestart(policy, world);
  if (everybody === isLast) return undefined;
  return everybody
    ? 'a signal for everybody, and the workload may start again'
    : 'the last signal spares somebody';
}

function discardObjection({ keepsStatuses }: Policy, world: World): string | undefined {
  if (world.workloadRuns && !world.hasFailed && world.killInMs !== 0)
    return 'the status of a running workload is discarded';
  return keepsStatuses && world.killInMs !== 0 ? 'statuses are discarded that matter' : undefined;
}

/** Whether --restart starts the workload again after this run. */
function mayRestart(policy: Policy, world: World): boolean {
  const { restart } = policy.options;
  if (restart.kind === 'no' || isStopped(world) || world.isOutOfReach) return false;
  if (restart.kind === 'always') return true;
  return remapped(policy, world.status) !== 0 && restartsInARow(world) < restart.limit;
}

/** Whether survivors of this run are none of init's business. */
function leavesSurvivors(policy: Policy, world: World): boolean {
  return (
    policy.options.survivors !== 'end' &&
    world.phase === 'ending' &&
    !world.hasFailed &&
    !world.isKilling &&
    !mayRestart(policy, world)
  );
}

function remapped({ options }: Policy, status: number): number {
  return options.remapExit.get(status) ?? status;
}

function timerObjection(
  policy: Policy,
  world: World,
  effect: Extract<Effect, { kind: 'set-timer' | 'clear-timer' }>,
): string | undefined {
  const { timer } = world;
  if (effect.kind === 'clear-timer') {
    return timer?.timer === effect.timer ? undefined : `${effect.timer} is cleared, and does not run`;
  }
  if (timer !== undefined) return `${effect.timer} is set beside ${timer.timer}`;
  if (effect.ms < 0) return `${effect.timer} lies in the past`;
  if (effect.timer !== 'backoff') return undefined;
  const expectedMs = Math.min(200 * 2 ** restartsInARow(world), 10_000);
  return mayRestart(policy, world) && effect.ms !== expectedMs
    ? `the wait before the next run is ${effect.ms} ms, not ${expectedMs}`
    : undefined;
}

/** Nothing is explained that is not so: what is said to run must run, what is said to have ended must not. */
function explanationObjection(world: World, what: Explained): string | undefined {
  const { workloadRuns, hasChildren, stoppedBy } = world;
  if (what.kind === 'end') return workloadRuns ? 'the end of a workload that runs is explained' : undefined;
  if (!hasChildren) return `${what.kind} is explained, and nothing runs`;
  if (what.kind !== 'slow-stop' && what.kind !== 'stop-timeout') return undefined;
  return stoppedBy === what.signal ? undefined : `${what.kind} names another signal`;
}

function exitObjection(policy: Policy, world: World, status: number): string | undefined {
  const { phase, timer } = world;
  if (timer !== undefined) return `${timer.timer} outlives the exit`;
  // The kernel kills what PID 1 leaves.
  const isKill = policy.isPid1 && (phase === 'ending' || isForwarding(world));
  const isLeaving = leavesSurvivors(policy, world);
  if (!world.isLost && phase !== 'over' && !isLeaving) {
    const objection = isKill ? killObjection(world) : 'an exit, and nothing asks for it';
    if (objection !== undefined) return objection;
  }
  if (mayRestart(policy, world) && !world.isLost) return 'an exit, where --restart asks for another run';
  if (world.hasChildren && !policy.isPid1 && !world.isOutOfReach && !isLeaving)
    return 'an exit that leaves processes behind';
  const expected = exitStatus(policy, killed(world));
  return status === expected ? undefined : `exit status ${status}, not ${expected}`;
}

/** init's own failure is 125. The other statuses are the workload's. */
function exitStatus(policy: Policy, { isLost, hasFailed, phase, status, stoppedBy }: World): number {
  if (isLost || hasFailed) return 125;
  const isStoppedLate = phase === 'draining' && status === 0 && stoppedBy !== undefined;
  return remapped(policy, isStoppedLate ? 128 + stoppedBy : status);
}

/** A move, and what came of it. */
export interface Made {
  readonly before: World;
  readonly move: Move;
  readonly effects: readonly Effect[];
  readonly after: World;
}

/** What is wrong with the world after a move and its effects. */
export function moveObjection(policy: Policy, made: Made): string | undefined {
  const { state, phase, exits, isLost } = made.after;
  if ((state.kind === 'exiting') !== (exits === 1)) return `${exits} exits in state ${state.kind}`;
  if (exits > 0) return undefined;
  if (state.kind !== stateOf[phase]) return `init is ${state.kind}, and the run is ${phase}`;
  if (isLost) return 'init goes on after a failure that it cannot survive';
  return (
    signalsObjection(made.after) ??
    survivorsObjection(policy, made) ??
    ctrlCObjection(made) ??
    endOfRunObjection(policy, made.after) ??
    latenessObjection(policy, made.after)
  );
}

const stateOf: Readonly<Record<Phase, State['kind']>> = {
  pausing: 'pausing',
  starting: 'starting',
  running: 'running',
  draining: 'draining',
  stopping: 'draining',
  ending: 'terminating',
  over: 'backoff',
};

function signalsObjection({ owed, delayed, timer }: World): string | undefined {
  if (owed.length > 0) return `signal ${owed[0]} is lost`;
  if (delayed === undefined) return undefined;
  if (timer?.timer !== 'stop-delay') return 'a stop signal is held for ever';
  return timer.ms === delayed.ms ? undefined : `a stop signal is held ${timer.ms} ms, not ${delayed.ms}`;
}

/** Each time processes are left, init looks who is stopping; they are asked if they have not been, or killed if that has begun. */
function survivorsObjection({ options }: Policy, { before, move, effects, after }: Made): string | undefined {
  if (move.kind !== 'children-left') return undefined;
  const isKilled = effects.some(({ kind }) => kind === 'kill');
  if (before.isKilling) return isKilled ? undefined : 'survivors are left, and not killed';
  if (after.phase === 'stopping')
    return after.asksStopping ? undefined : 'a child has ended, and init does not look who is stopping';
  const mayAsk = after.phase === 'ending' && options.graceMs > 0;
  return mayAsk && !after.hasAsked ? 'survivors are left, and not asked to end' : undefined;
}

/** What takes the place of a workload that a Ctrl-C ended got that Ctrl-C too. */
function ctrlCObjection({ before, move, effects, after }: Made): string | undefined {
  const isSent = before.stoppedBy !== undefined && before.delayed === undefined;
  const isEnd = move.kind === 'workload-ended' && after.phase === 'stopping';
  const isTyped = move.kind === 'terminal-signal' && before.phase === 'running' && isStopSignal(move.signal);
  const mustLook = isTyped || (isEnd && !isSent && before.interruptedBy === undefined);
  const looks = effects.some(({ kind }) => kind === 'note-recipients');
  return mustLook && !looks ? 'a Ctrl-C was typed, and init does not look who got it' : undefined;
}

function endOfRunObjection(policy: Policy, world: World): string | undefined {
  if (world.phase !== 'over') return undefined;
  if (!mayRestart(policy, world)) return 'the last run is over, and init does not exit';
  if (world.timer?.timer !== 'backoff') return 'the run is over, and nothing starts the next one';
  return world.hasGivenTerminal ? 'the run is over, and still has the terminal' : undefined;
}

/** Each wait has its end, which needs no process to obey, and no timer has outlived what it was for. */
function latenessObjection(policy: Policy, world: World): string | undefined {
  const { timer, phase, killInMs, overInMs, isKilling } = world;
  if (timer !== undefined && !hasPurpose(policy, world, timer.timer))
    return `${timer.timer} runs, and nothing waits for it`;
  if (isKilling && phase === 'running' && policy.isPid1 && timer?.timer !== 'kill')
    return 'PID 1 may wait for ever after --stop-timeout';
  if (isKilling || phase === 'starting') return undefined;
  if (killInMs === undefined && overInMs === undefined) return undefined;
  if (timer === undefined) return 'SIGKILL is due some time, and no timer leads there';
  if (timer.ms > (killInMs ?? timer.ms)) return `SIGKILL comes ${timer.ms - (killInMs as number)} ms late`;
  if (timer.ms > (overInMs ?? timer.ms)) return `the end comes ${timer.ms - (overInMs as number)} ms late`;
  return undefined;
}

/** Whether the world is one that the timer is for. */
function hasPurpose(policy: Policy, world: World, timer: NonNullable<World['timer']>['timer']): boolean {
  const { phase, delayed, isKilling } = world;
  const isStopping = isForwarding(world) && isStopped(world) && delayed === undefined && !isKilling;
  const isEnding = phase === 'ending' && !isKilling;
  switch (timer) {
    case 'stop-delay':
      return delayed !== undefined;
    case 'stop-timeout':
      return isStopping && policy.options.stopTimeoutMs !== undefined;
    case 'slow':
      return isStopping || isEnding;
    case 'kill':
      return policy.isPid1 && phase === 'running' && isKilling;
    case 'input':
      return world.inputEnded && isStopping;
    case 'grace':
      return isEnding;
    case 'backoff':
      return phase === 'over';
  }
}
