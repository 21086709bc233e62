import type { Log } from '../log/log.ts';
import { attempt } from '../native/attempt.ts';
import { requireModule } from '../native/require.ts';
import type { Pid } from '../native/types.ts';
import type { Observation, Observer } from './observer.ts';
import type { ObserveOptions } from './options.ts';
import type * as records from './records.ts';

export type Observers = ReturnType<typeof createObservers>;

/**
 * Holds what the options ask for: the report, the trace, the log of orphans and phases. Most runs of init ask for nothing, and
 * load nothing. An observer that throws is told nothing more. init says so, and goes on.
 */
export function createObservers(options: Pick<ObserveOptions, 'report' | 'trace'>, log: Log) {
  const observers = new Set<Observer>();
  const asksForRecords = options.report !== undefined || options.trace !== undefined || log.passes('info');
  const failure = asksForRecords ? attempt(addRecords) : undefined;

  function addRecords(): void {
    // A bundle of its own.
    const { createRecords } = requireModule('./records.cjs') as typeof records;
    for (const observer of createRecords(options, log, (phase) => observe({ kind: 'phase', phase })))
      observers.add(observer);
  }

  function tell(observer: Observer, observation: Observation): void {
    const error = attempt(() => observer.observe(observation));
    if (error === undefined) return;
    observers.delete(observer);
    observer.stop?.();
    log('error', `${observer.name} failed; continuing without it`, { error: error.message });
  }

  function observe(observation: Observation): void {
    for (const observer of observers) tell(observer, observation);
  }

  function beforeReaping(pid: Pid): void {
    for (const observer of observers) if (observer.seesZombies) tell(observer, { kind: 'zombie', pid });
  }

  return {
    /** Why what the options ask for cannot be loaded, for want of a descriptor say: the workload starts all the same. */
    failure,
    add: (observer: Observer) => void observers.add(observer),
    needsStatuses: () =>
      [...observers].find(({ needsStatuses }) => needsStatuses !== undefined)?.needsStatuses,
    /** undefined if nobody sees zombies. */
    beforeReaping: () => ([...observers].some(({ seesZombies }) => seesZombies) ? beforeReaping : undefined),
    observe,
  };
}
