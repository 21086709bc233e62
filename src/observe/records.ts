import { describeOrphan, orphanEvent } from '../events/orphan.ts';
import type { Log } from '../log/log.ts';
import { attempt } from '../native/attempt.ts';
import { isProcUsable, type ProcessInfo, readProcess } from '../process-tree/process-table.ts';
import { realTimeRange } from '../signals/signal-names.ts';
import { cannotWrite, withoutPath } from './cannot-write.ts';
import type { Observer, PhaseTime } from './observer.ts';
import type { ObserveOptions } from './options.ts';
import { createPhases } from './phases.ts';
import { createReport } from './report.ts';
import { createTrace } from './trace.ts';
import { writeWhole } from './whole-file.ts';

/**
 * The phases, the debug log of orphans, the report and the trace, as far as the options ask for them.
 * @param tellPhase tells all observers that a phase has ended
 */
export function createRecords(
  { report, trace }: Pick<ObserveOptions, 'report' | 'trace'>,
  log: Log,
  tellPhase: (phase: PhaseTime) => void,
): Observer[] {
  /** It writes at the very end: what fails is said, and init's status stays. */
  function writing(what: string, file: string) {
    return (text: () => string) => {
      const failure = attempt(() => (file === '-' ? writeBesideLog(text()) : writeWhole(file, text())));
      if (failure !== undefined) log('warn', cannotWrite(what, file), { error: withoutPath(failure) });
    };
  }

  function writeBesideLog(text: string): void {
    if (!log.write(text)) throw new Error('EAGAIN: nobody reads standard error');
  }

  // Each bundle looks for the range itself, and needs a descriptor for that: later there may be none left.
  realTimeRange();
  const phases = createPhases((phase) => {
    log('info', 'phase ended', { phase: phase.phase, tookMs: phase.tookMs });
    tellPhase(phase);
  });
  return [
    phases,
    ...(log.passes('debug') ? [createOrphanLog(log)] : []),
    // The report first: it is small, and whoever kills init at its end leaves that at least.
    ...(report === undefined ? [] : [createReport(writing('report', report))]),
    ...(trace === undefined ? [] : [createTrace(writing('trace', trace))]),
  ];
}

/** Logs how each orphan ended, and what /proc showed of it. */
function createOrphanLog(log: Log): Observer {
  let zombie: ProcessInfo | undefined;
  return {
    name: 'the log of orphans',
    needsStatuses: 'the debug log reports each orphan',
    seesZombies: true,
    observe(observation) {
      if (observation.kind === 'zombie') {
        zombie = undefined;
        // No descriptor may be left: the record then lacks what /proc would tell.
        attempt(() => {
          if (isProcUsable()) zombie = readProcess(observation.pid);
        });
      } else if (observation.kind === 'reaped' && !observation.isWorkload) {
        const { pid } = observation;
        const orphan = describeOrphan(pid, zombie?.pid === pid ? zombie : undefined, observation);
        log('debug', 'orphan reaped', orphanEvent(orphan));
      }
    },
  };
}
