import type { Pid, Signal } from '../native/types.ts';
import { signalNumber } from '../signals/signal-names.ts';
import { describeEnd } from './end.ts';
import type { Explained } from './explained.ts';
import { lookAtTree } from './living.ts';
import { readMemoryCgroup } from './memory-cgroup.ts';
import { describeSlowStop, describeStopTimeout } from './slow-stop.ts';
import { describeAsking, describeKilling, describeSlowSurvivors, describeWaiting } from './survivors.ts';

export { writeTerminationLog } from './termination-log.ts';

/** What stays the same for all of init's life. */
export interface Situation {
  readonly scope: 'group' | 'child' | 'tree';
  readonly stopTimeoutMs: number | undefined;
  readonly graceMs: number;
  readonly isPid1: boolean;
  readonly nameOf: (signal: Signal) => string;
}

/** What the moment adds. */
export interface Moment {
  /** The workload, while it runs. */
  readonly workload: Pid | undefined;
  /** How long ago survivors were asked to end; undefined if they were not. */
  readonly sinceAskedMs: number | undefined;
}

/** Looks at /proc and at the memory cgroup, and says it in one line. */
export type Explain = (what: Explained, moment: Moment) => string;

const faults = (['SIGSEGV', 'SIGBUS', 'SIGFPE', 'SIGILL', 'SIGTRAP', 'SIGSYS'] as const).map(signalNumber);
/** Programs that do not end on one of them may end on another. */
const stopSignals = (['SIGTERM', 'SIGINT', 'SIGQUIT'] as const).map(signalNumber);

export function createExplain({ isPid1, ...situation }: Situation): Explain {
  const { graceMs, nameOf } = situation;
  /** Of the runs before this one. */
  let oomKills: number | undefined;

  return (what, { workload, sinceAskedMs }) => {
    switch (what.kind) {
      case 'slow-stop':
      case 'stop-timeout': {
        const running = what.workloadRuns ? workload : undefined;
        const tree = lookAtTree(running);
        const stop = { ...situation, ...what, tree, workload: running, alternatives: stopSignals };
        return what.kind === 'slow-stop' ? describeSlowStop(stop) : describeStopTimeout(stop);
      }
      case 'waiting':
        return describeWaiting(lookAtTree(undefined));
      case 'asking':
        return describeAsking(lookAtTree(undefined), graceMs);
      case 'slow-survivors':
      case 'killing': {
        const signal = signalNumber('SIGTERM');
        const tree = lookAtTree(undefined);
        return what.kind === 'killing'
          ? describeKilling({ tree, waitedMs: sinceAskedMs, signal, nameOf })
          : describeSlowSurvivors({ tree, waitedMs: what.waitedMs, graceMs, signal, nameOf });
      }
      case 'end': {
        const memory = readMemoryCgroup();
        // A cgroup that is all the container sees is no older than its PID 1.
        const knownOomKills = oomKills ?? (isPid1 && memory?.isContainers ? 0 : undefined);
        oomKills = memory?.oomKills;
        return describeEnd({ how: what.how, memory, knownOomKills, nameOf, faults });
      }
    }
  };
}
