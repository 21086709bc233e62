import type { Effect, Event } from '../lifecycle/model.ts';
import { now } from '../native/timers.ts';
import type { Usage } from '../native/wait.ts';
import type { Ended } from '../reaper/wait-status.ts';
import { signalName } from '../signals/signal-names.ts';
import type { Observer, PhaseTime } from './observer.ts';

/** What --report writes at the end: docs/report.schema.json. */
export interface ReportContents {
  readonly version: 1;
  /** The exit status of init. */
  readonly status: number;
  /** One line that says why init ended badly, if it knows. */
  readonly reason: string | null;
  /** From init's start to its end. */
  readonly tookMs: number;
  /** The last run; null for --pause, or if it could not be started. */
  readonly workload: WorkloadReport | null;
  readonly restarts: number;
  /** Of the end of the last run, in their order. */
  readonly phases: readonly PhaseTime[];
  /** How often init has forwarded each signal, by the name of what it sent. */
  readonly signalsForwarded: Readonly<Record<string, number>>;
  readonly orphansReaped: number;
  /** How many processes beside the workload were left when SIGKILL came for them. */
  readonly survivorsKilled: number;
  /** The kernel would discard what the report tells, so init waits for each orphan. */
  readonly reapedBy: 'init';
}

export interface WorkloadReport {
  readonly pid: number;
  readonly program: string;
  /** null while it runs: init ended before it. */
  readonly end: { readonly code: number } | { readonly signal: string; readonly coreDumped: boolean } | null;
  /** Of the workload and of the children that it waited for; null until it has ended. */
  readonly usage: WorkloadUsage | null;
}

interface WorkloadUsage extends Omit<Usage, 'maxRssKib'> {
  /** null if it was no more than init's: the kernel counts what a process was before it executed its program. */
  readonly maxRssKib: number | null;
}

/**
 * Collects what init does, for one JSON object at the end.
 * @param write writes it whole or not at all
 */
export function createReport(write: (text: () => string) => void): Observer {
  const signalsForwarded: Record<string, number> = {};
  let workload: WorkloadReport | null = null;
  /** When it started the workload, which had these pages too until it executed its program. */
  let ownMaxRssKib = 0;
  let restarts = 0;
  let orphansReaped = 0;
  let survivorsKilled = 0;
  let phases: PhaseTime[] = [];

  function followEvent(event: Event): void {
    if (event.kind === 'workload-started') {
      workload = { pid: event.workload, program: event.program, end: null, usage: null };
      ownMaxRssKib = process.resourceUsage().maxRSS;
    }
    if (event.kind === 'workload-ended' && workload !== null)
      workload = { ...workload, end: endOf(event.how) };
  }

  function usageOf(usage: Usage): WorkloadUsage {
    return { ...usage, maxRssKib: usage.maxRssKib > ownMaxRssKib ? usage.maxRssKib : null };
  }

  function endOf(how: Ended): NonNullable<WorkloadReport['end']> {
    if (how.kind === 'exited') return { code: how.code };
    return { signal: signalName(how.signal), coreDumped: how.coreDumped };
  }

  function followEffect(effect: Effect): void {
    if (effect.kind === 'start') {
      restarts++;
      phases = [];
    }
    if (effect.kind !== 'forward') return;
    const name = signalName(effect.sent);
    signalsForwarded[name] = (signalsForwarded[name] ?? 0) + 1;
  }

  function writeEnd(status: number, reason: string | null): void {
    const contents: ReportContents = {
      version: 1,
      status,
      reason,
      tookMs: Math.round(now()),
      workload,
      restarts,
      phases,
      signalsForwarded,
      orphansReaped,
      survivorsKilled,
      reapedBy: 'init',
    };
    write(() => `${JSON.stringify(contents)}\n`);
  }

  return {
    name: 'the report',
    needsStatuses: 'the report counts them',
    observe(observation) {
      switch (observation.kind) {
        case 'step':
          followEvent(observation.event);
          observation.effects.forEach(followEffect);
          return;
        case 'reaped':
          if (!observation.isWorkload) orphansReaped++;
          else if (workload !== null) workload = { ...workload, usage: usageOf(observation.usage) };
          return;
        case 'killing':
          survivorsKilled += observation.processes;
          return;
        case 'phase':
          phases.push(observation.phase);
          return;
        case 'exit':
          writeEnd(observation.status, observation.reason);
      }
    },
  };
}
