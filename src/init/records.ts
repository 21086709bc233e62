import type { Log } from '../log/log.ts';
import { requireModule } from '../native/require.ts';
import type { Pid, Signal } from '../native/types.ts';
import { lastUsage } from '../native/wait.ts';
import type { Ended } from '../reaper/wait-status.ts';
import { attempt } from './attempt.ts';
import type { Effect, Event, State } from './lifecycle/model.ts';
import type { Messages } from './messages.ts';
import type { InitOptions } from './options.ts';
import type * as recorders from './recorders.ts';

/** What the report, the trace, the debug log and another program's messages tell of what init does. */
export interface Records {
  /** Which of them needs the status of every orphan; undefined if none does, and the kernel may reap. */
  readonly needsStatuses: string | undefined;
  /** Why one that was asked for is not kept. */
  readonly failure: Error | undefined;
  /** Call it with each event, the effects that come of it, and the state after it. */
  follow(event: Event, effects: readonly Effect[], after: State): void;
  /** Call it while /proc still shows a child that has ended or stopped; undefined if nobody wants to know. */
  readonly beforeReaping: ((pid: Pid) => void) | undefined;
  /** Call these right after the wait that took the child's status. */
  workloadReaped(): void;
  orphanReaped(pid: Pid, status: number, how: Ended): void;
  /** So many processes get SIGKILL next. */
  survivorsKilled(count: number): void;
  /** Writes what is written at the end. */
  write(status: number, reason: string | null): void;
}

const noRecords: Records = {
  needsStatuses: undefined,
  failure: undefined,
  follow() {},
  beforeReaping: undefined,
  workloadReaped() {},
  orphanReaped() {},
  survivorsKilled() {},
  write() {},
};

/** Opens what the options ask for. Most runs of init ask for nothing, and pay for nothing. */
export function openRecords(
  options: InitOptions,
  messages: Messages | undefined,
  log: Log,
  nameOf: (signal: Signal) => string,
): Records {
  const isAskedFor =
    options.report !== undefined ||
    options.trace !== undefined ||
    messages !== undefined ||
    log.passes('info');
  let records = noRecords;
  if (!isAskedFor) return records;
  // Without a descriptor to load it with, the workload starts all the same.
  const failure = attempt(() => {
    records = load().createRecords(options, messages, log, nameOf, lastUsage);
  });
  return failure === undefined ? records : { ...noRecords, failure };
}

/** A bundle of its own, dist/recorders.cjs, for those who do not ask for it. */
function load(): typeof recorders {
  return requireModule('./recorders.cjs') as typeof recorders;
}
