import { initialState, step } from '../lifecycle/lifecycle.ts';
import type { BondEvent, Event } from '../lifecycle/model.ts';
import type { Signal } from '../native/types.ts';
import { SIGCHLD } from '../signals/numbers.ts';
import { createChildren } from './children.ts';
import { createEffects } from './effects.ts';
import type { Parts } from './parts.ts';

export type Interpreter = ReturnType<typeof createInterpreter>;

/** Passes events to the lifecycle, and its effects to what carries them out. */
export function createInterpreter(parts: Parts) {
  const { policy, log, observers } = parts;
  let state = initialState(policy);
  const events: Event[] = [];
  let isBusy = false;

  const children = createChildren(parts, emit);
  const isStopping = () => 'stoppedBy' in state && state.stoppedBy !== undefined;
  const { startRun, carryOut, firedTimer } = createEffects(parts, children, isStopping, emit);

  /** An effect may cause another event, which waits until all effects of the current one are done. */
  function emit(event: Event): void {
    events.push(event);
    if (isBusy) return;
    isBusy = true;
    try {
      for (let next = events.shift(); next !== undefined; next = events.shift()) {
        const { state: after, effects } = step(policy, state, next);
        state = after;
        observers.observe({ kind: 'step', event: next, effects, after });
        effects.forEach(carryOut);
      }
    } finally {
      isBusy = false;
    }
  }

  return {
    /** Starts the first run. @throws Failure, SystemError if nothing runs */
    begin(): void {
      if (!policy.options.pause) {
        startRun();
        return;
      }
      log('info', 'pausing until a stop signal comes');
      children.startedNone();
    },
    /** Call it with every signal that init gets. */
    deliver(signal: Signal): void {
      if (signal === SIGCHLD) {
        children.wake();
        return;
      }
      children.catchUp();
      emit({ kind: 'signal', signal });
    },
    /** Call it with the end of what init is bound to. */
    end(event: BondEvent): void {
      children.catchUp();
      emit(event);
    },
    /** Call it with an exception that nothing has caught. @throws Error if the tree cannot be ended in order */
    fail(error: Error): void {
      // No event can end it any more.
      if (state.kind === 'exiting') throw error;
      emit({ kind: 'init-failed', message: error.message });
      // The exception came from its handler: nothing else would end the grace time.
      const fired = firedTimer();
      if (fired !== undefined) emit({ kind: 'timer', timer: fired });
      children.wake();
    },
  };
}
