import type { Explained } from './explained.ts';
import type { Effect, LogFields, State, Step } from './model.ts';

export function next(state: State, ...effects: readonly Effect[]): Step {
  return { state, effects };
}

/** Puts effects before those of a step. */
export function preceded(before: readonly Effect[], { state, effects }: Step): Step {
  return { state, effects: [...before, ...effects] };
}

/** Chains two steps: the effects of the second follow those of the first. */
export function chain(first: Step, second: (state: State) => Step): Step {
  return preceded(first.effects, second(first.state));
}

type Level = Extract<Effect, { kind: 'log' }>['level'];

export function toLog(level: Level, message: string, fields?: LogFields): Effect {
  return fields === undefined ? { kind: 'log', level, message } : { kind: 'log', level, message, fields };
}

export function toExplain(what: Explained): Effect {
  return { kind: 'explain', what };
}
