import type { Pid, Signal } from '../native/types.ts';
import { readMemoryCgroup } from './cgroups.ts';
import { describeEnd } from './end.ts';
import type { Explained } from './explained.ts';
import { describeSlowStop, describeStopTimeout } from './slow-stop.ts';
import { type Tree, takeSnapshot } from './snapshot.ts';
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
  /** A child of init that the workload did not start. */
  readonly ownChild: Pid | undefined;
  /** How long ago survivors were asked to end; undefined if they were not. */
  readonly sinceAskedMs: number | undefined;
}

/** Reads /proc or the memory cgroup, and says it in one line. */
export type Explain = (what: Explained, moment: Moment) => Explanation;

export interface Explanation {
  readonly sentence: string;
  /** How many processes of the workload's tree it found; undefined if it took no snapshot, or could not. */
  readonly processes: number | undefined;
  /** The same without the workload itself. */
  readonly others: number | undefined;
}

export function createExplain({ isPid1, ...situation }: Situation): Explain {
  const { graceMs, nameOf } = situation;
  /** Of the runs before this one. */
  let oomKills: number | undefined;

  function sentenceOf(what: Explained, { workload, sinceAskedMs }: Moment, tree: Tree | undefined): string {
    switch (what.kind) {
      case 'slow-stop':
      case 'stop-timeout': {
        const stop = { ...situation, ...what, tree, workload };
        return what.kind === 'slow-stop' ? describeSlowStop(stop) : describeStopTimeout(stop);
      }
      case 'waiting':
        return describeWaiting(tree);
      case 'asking':
        return describeAsking({ tree, workload }, graceMs);
      case 'slow-survivors':
        return describeSlowSurvivors({ tree, workload }, what.waitedMs, graceMs);
      case 'killing':
        return describeKilling({ tree, workload }, sinceAskedMs);
      case 'end': {
        const memory = readMemoryCgroup();
        // A cgroup that is all the container sees is no older than its PID 1.
        const knownOomKills = oomKills ?? (isPid1 && memory?.isContainers ? 0 : undefined);
        oomKills = memory?.oomKills;
        return describeEnd({ how: what.how, memory, knownOomKills, nameOf });
      }
    }
  }

  return (what, moment) => {
    const tree = what.kind === 'end' ? undefined : takeSnapshot(moment.workload, moment.ownChild);
    const sentence = sentenceOf(what, moment, tree);
    if (tree === undefined) return { sentence, processes: undefined, others: undefined };
    const processes = tree.named.length + tree.more;
    // The workload is the first one.
    const isWorkloadThere = moment.workload !== undefined && tree.named[0]?.pid === moment.workload;
    return { sentence, processes, others: isWorkloadThere ? processes - 1 : processes };
  };
}
