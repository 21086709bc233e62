import type { State } from '../lifecycle/model.ts';
import { now } from '../native/timers.ts';
import type { Observer, Phase, PhaseTime } from './observer.ts';

/**
 * Measures how long each phase of an end takes.
 * @param onEnd called when a phase has ended
 */
export function createPhases(onEnd: (phase: PhaseTime) => void): Observer {
  let current: Phase | undefined;
  let startMs = 0;

  return {
    name: 'the measuring of phases',
    observe(observation) {
      if (observation.kind !== 'step') return;
      const next = phaseOf(observation.after);
      if (next === current) return;
      const atMs = now();
      if (current !== undefined) {
        onEnd({ phase: current, startMs: round(startMs), tookMs: round(atMs - startMs) });
      }
      current = next;
      startMs = atMs;
    },
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
