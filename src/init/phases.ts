import { now } from '../native/timers.ts';
import type { State } from './lifecycle/model.ts';

/** The parts of an end, in the order in which they come; an end may lack any of them. */
type Phase = 'stop-delay' | 'stop' | 'drain' | 'grace' | 'kill';

/** When a phase began, in milliseconds since init started, and how long it took. */
export interface PhaseTime {
  readonly phase: Phase;
  readonly startMs: number;
  readonly tookMs: number;
}

/**
 * Measures how long each phase of an end takes.
 * @param onEnd called when a phase has ended
 * @returns what to call with each new state
 */
export function followPhases(onEnd: (phase: PhaseTime) => void): (state: State) => void {
  let current: Phase | undefined;
  let startMs = 0;

  return (state) => {
    const next = phaseOf(state);
    if (next === current) return;
    const atMs = now();
    if (current !== undefined) {
      onEnd({ phase: current, startMs: round(startMs), tookMs: round(atMs - startMs) });
    }
    current = next;
    startMs = atMs;
  };
}

function phaseOf(state: State): Phase | undefined {
  switch (state.kind) {
    case 'running':
    case 'draining':
      if (state.stopping.kind === 'held') return 'stop-delay';
      if (state.stopping.kind === 'forwarded' || state.stopping.kind === 'input-ended') return 'stop';
      if (state.stopping.kind === 'killing') return 'kill';
      return state.kind === 'draining' ? 'drain' : undefined;
    case 'terminating':
      if (state.survivors === 'asked') return 'grace';
      return state.survivors === 'killing' ? 'kill' : undefined;
    default:
      return undefined;
  }
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
