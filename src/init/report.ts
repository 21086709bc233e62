import type { Pid, Signal } from '../native/types.ts';
import type { Usage } from '../native/wait.ts';
import type { Ended } from '../reaper/wait-status.ts';
import type { Effect, Event } from './lifecycle/model.ts';
import type { PhaseTime } from './phases.ts';

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

/** Collects what init does, for one JSON object at the end. */
export interface Report {
  follow(event: Event, effects: readonly Effect[]): void;
  orphanReaped(): void;
  workloadReaped(usage: Usage): void;
  /** So many processes get SIGKILL next. */
  survivorsKilled(count: number): void;
  phaseEnded(phase: PhaseTime): void;
  /** @throws Error if it cannot be written */
  write(status: number, reason: string | null, tookMs: number): void;
}

/** @param write writes the object whole or not at all */
export function createReport(write: (text: string) => void, nameOf: (signal: Signal) => string): Report {
  const signalsForwarded: Record<string, number> = {};
  let workload: { pid: Pid; program: string } | undefined;
  let end: WorkloadReport['end'] = null;
  let usage: WorkloadUsage | null = null;
  /** When it started the workload, which had these pages too until it executed its program. */
  let ownMaxRssKib = 0;
  let restarts = 0;
  let orphansReaped = 0;
  let survivorsKilled = 0;
  let phases: PhaseTime[] = [];

  function followEvent(event: Event): void {
    if (event.kind === 'workload-started') {
      workload = { pid: event.workload, program: event.program };
      end = null;
      usage = null;
      ownMaxRssKib = process.resourceUsage().maxRSS;
    }
    if (event.kind === 'workload-ended') end = endOf(event.how);
  }

  function endOf(how: Ended): NonNullable<WorkloadReport['end']> {
    if (how.kind === 'exited') return { code: how.code };
    return { signal: nameOf(how.signal), coreDumped: how.coreDumped };
  }

  return {
    follow(event, effects) {
      followEvent(event);
      for (const effect of effects) {
        if (effect.kind === 'start') {
          restarts++;
          phases = [];
        }
        if (effect.kind !== 'forward') continue;
        const name = nameOf(effect.sent);
        signalsForwarded[name] = (signalsForwarded[name] ?? 0) + 1;
      }
    },
    orphanReaped() {
      orphansReaped++;
    },
    workloadReaped(of) {
      usage = { ...of, maxRssKib: of.maxRssKib > ownMaxRssKib ? of.maxRssKib : null };
    },
    survivorsKilled(count) {
      survivorsKilled += count;
    },
    phaseEnded(phase) {
      phases.push(phase);
    },
    write(status, reason, tookMs) {
      const contents: ReportContents = {
        version: 1,
        status,
        reason,
        tookMs,
        workload: workload === undefined ? null : { ...workload, end, usage },
        restarts,
        phases,
        signalsForwarded,
        orphansReaped,
        survivorsKilled,
        reapedBy: 'init',
      };
      write(`${JSON.stringify(contents)}\n`);
    },
  };
}
