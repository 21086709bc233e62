import type { Effect, Policy } from '../../src/lifecycle/model.ts';
import type { Signal } from '../../src/native/types.ts';
import { signalName } from '../../src/signals/signal-names.ts';
import { defaults } from './lifecycle-policies.ts';
import type { Made } from './lifecycle-properties.ts';
import type { Move } from './lifecycle-world.ts';

/** Tells how it came to what is wrong: each move with its time, what init did, and the state that it is in then. */
export function story(policy: Policy, way: readonly Made[], wrong: string): string {
  let ms = 0;
  const lines: string[] = [];
  for (const { before, move, effects, after } of way) {
    if (move.kind === 'time-passes') {
      ms += before.timer?.ms ?? 0;
      continue;
    }
    const done = effects.map(describeEffect).filter((text) => text !== undefined);
    lines.push(`${String(ms).padStart(7)} ms  ${describeMove(move)} -> ${after.state.kind}`);
    lines.push(...done.map((text) => `               ${text}`));
  }
  return [describePolicy(policy), ...lines, `WRONG at ${ms} ms: ${wrong}`].join('\n');
}

/** A move in a few words. */
function describeMove(move: Move): string {
  switch (move.kind) {
    case 'time-passes':
      return 'time passes until the timer is due';
    case 'workload-started':
      return 'the workload runs';
    case 'start-failed':
      return `the workload cannot be started: ${move.status}`;
    case 'signal':
      return `${nameOf(move.signal)} comes`;
    case 'workload-ended': {
      const { how, hadTerminal } = move;
      const end = how.kind === 'exited' ? `exits with ${how.code}` : `is killed by ${nameOf(how.signal)}`;
      return `the workload ${end}${hadTerminal ? ', and had the terminal' : ''}`;
    }
    case 'workload-stopped':
      return `${nameOf(move.signal)} stops the workload`;
    case 'terminal-signal':
      return `${nameOf(move.signal)} reaches the workload's group`;
    case 'terminal-checked':
      return `the workload ${move.workloadHasIt ? 'has' : 'does not have'} the terminal`;
    case 'resumed':
      return 'init runs again';
    case 'stopping-found':
      return `${move.isAny ? 'some' : 'none'} of those that got the signal with the workload are stopping`;
    case 'children-left':
      return 'a child has ended, and others are left';
    case 'no-child-left':
      return 'no child is left';
    case 'survivors-out-of-reach':
      return 'init may signal none of the survivors';
    case 'timer':
      return `the timer fires: ${move.timer}`;
    case 'owner-ended':
      return 'the owner ends';
    case 'input-ended':
      return 'standard input ends';
    case 'kill-requested':
      return 'SIGSTKFLT comes';
    case 'init-failed':
      return 'init throws an exception';
    case 'cannot-wait':
      return 'wait4 is refused';
  }
}

/** @returns undefined for what changes nothing outside of init */
function describeEffect(effect: Effect): string | undefined {
  switch (effect.kind) {
    case 'log':
    case 'explain':
      return undefined;
    case 'forward':
      return `forward ${nameOf(effect.sent)} to the ${effect.scope}`;
    case 'ask':
      return `ask ${effect.everybody ? 'everybody' : 'descendants'}`;
    case 'set-timer':
      return `set-timer ${effect.timer}, ${effect.ms} ms`;
    case 'clear-timer':
      return `clear-timer ${effect.timer}`;
    case 'discard-statuses':
      return effect.discard ? effect.kind : 'keep-statuses';
    case 'exit':
      return `exit with ${effect.status}`;
    default:
      return effect.kind;
  }
}

/** Where init runs, and the options that are not the default. */
function describePolicy({ options, isPid1, ...rest }: Policy): string {
  const usual: Record<string, unknown> = { ...defaults.options, ...defaults };
  const given = Object.entries({ ...options, ...rest })
    .filter(([name, value]) => value !== usual[name])
    .map(([name, value]) => `, ${name} ${JSON.stringify(value instanceof Map ? [...value] : value)}`);
  return `As ${isPid1 ? 'PID 1' : 'a plain subreaper'}${given.join('')}:`;
}

function nameOf(signal: Signal): string {
  return signalName(signal, { first: 34 as Signal, last: 64 as Signal });
}
