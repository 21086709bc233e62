import type { Explained } from '../lifecycle/explained.ts';
import type { LifecycleOptions } from '../lifecycle/options.ts';
import { inSignalSet } from '../native/signal-set.ts';
import type { Pid, Signal } from '../native/types.ts';
import { reactionTo } from '../process-tree/signal-handling.ts';
import { SIGTERM } from '../signals/numbers.ts';
import { realTimeRange, signalName } from '../signals/signal-names.ts';
import { stopSignals } from '../signals/stop-signals.ts';
import { readMemoryCgroup } from './cgroups.ts';
import { describeEnd } from './describe-end.ts';
import { duration } from './quantities.ts';
import { type RunningProcess, type Tree, takeSnapshot } from './snapshot.ts';

export { writeTerminationLog } from './termination-log.ts';

/** The options that sentences name. */
export type Limits = Pick<LifecycleOptions, 'stopTimeoutMs' | 'graceMs'>;

/** What the moment adds to what is explained. */
export interface Moment {
  /** The workload, while it runs. */
  readonly workload: Pid | undefined;
  /** The process group that it leads, or led. */
  readonly group: Pid | undefined;
  /** A child of init that the workload did not start. */
  readonly ownChild: Pid | undefined;
  /** How long ago survivors were asked to end; undefined if they were not. */
  readonly sinceAskedMs: number | undefined;
}

export interface Explanation {
  readonly sentence: string;
  /** How many processes of the workload's tree it found; undefined if it took no snapshot, or could not. */
  readonly processes?: number;
  /** The same without the workload itself. */
  readonly others?: number;
}

/** @returns what reads /proc or the memory cgroup, and says it in one line */
export function createExplain(limits: Limits): (what: Explained, moment: Moment) => Explanation {
  // Each bundle looks for the range itself, and needs a descriptor for that: later there may be none left.
  realTimeRange();
  /** Of the runs before this one. */
  let oomKills: number | undefined;

  function explainEnd(how: Extract<Explained, { kind: 'end' }>['how']): string {
    const memory = readMemoryCgroup();
    // A cgroup that is all the container sees is no older than its PID 1.
    const known = oomKills ?? (process.pid === 1 && memory?.isContainers ? 0 : undefined);
    oomKills = memory?.oomKills;
    return describeEnd(how, memory, known);
  }

  return (what, moment) => {
    if (what.kind === 'end') return { sentence: explainEnd(what.how) };
    const tree = takeSnapshot(moment.workload, moment.ownChild);
    const sentence = describeRunning(what, { ...moment, ...limits, tree });
    if (tree === undefined) return { sentence };
    const processes = tree.named.length + tree.more;
    // The workload is the first one.
    const isWorkloadThere = moment.workload !== undefined && tree.named[0]?.pid === moment.workload;
    return { sentence, processes, others: isWorkloadThere ? processes - 1 : processes };
  };
}

/** What a sentence about running processes is made of. */
export interface Scene extends Moment, Limits {
  readonly tree: Tree | undefined;
}

/** Who still runs, why, and which option changes it. */
export function describeRunning(what: Exclude<Explained, { kind: 'end' }>, scene: Scene): string {
  const { tree, workload, graceMs, sinceAskedMs } = scene;
  const stillRuns = `${workload === undefined ? 'survivors are' : 'the workload is'} still running`;
  switch (what.kind) {
    case 'slow-stop': {
      const since = `${duration(what.waitedMs)} after ${signalName(what.signal)}`;
      return [`${stillRuns} ${since}${recipients(what, scene)}`, ...advice(what, scene)].join('; ');
    }
    case 'stop-timeout': {
      const since = `${duration(what.waitedMs)} after ${signalName(what.signal)}`;
      return `stop timeout: ${stillRuns} ${since}; killing everything${recipients(what, scene)}`;
    }
    case 'stopping':
      return `the workload has ended; processes that got ${signalName(what.signal)} with it are still stopping${recipients(what, scene)}`;
    case 'waiting':
      return `waiting for the remaining processes${listOf(tree, () => undefined)}`;
    case 'asking': {
      const whom = workload === undefined ? 'survivors' : 'the workload';
      return `asking ${whom} to end within ${duration(graceMs)}${listOf(tree, () => undefined)}`;
    }
    case 'slow-survivors':
      return `${stillRuns} ${duration(what.waitedMs)} after SIGTERM${reactions(tree)}; --grace kills everything after ${duration(graceMs)}`;
    case 'killing': {
      const killing = `killing ${workload === undefined ? 'the remaining processes' : 'the workload'}`;
      if (sinceAskedMs === undefined) return `${killing} at once${listOf(tree, () => 'was not asked')}`;
      return `${killing} ${duration(sinceAskedMs)} after SIGTERM${reactions(tree)}; a longer --grace gives more time`;
    }
  }
}

/** A signal that has been forwarded, and to whom. */
type Sent = Pick<Extract<Explained, { kind: 'stopping' }>, 'signal' | 'scope'>;

function recipients(sent: Sent, scene: Scene): string {
  return listOf(scene.tree, (running) =>
    isReached(sent, scene, running) ? reaction(running, sent.signal) : 'did not get it',
  );
}

function isReached(
  { scope }: Sent,
  { workload, group, tree }: Scene,
  { pid, handling }: RunningProcess,
): boolean {
  if (scope === 'tree' || pid === workload) return true;
  if (scope === 'child') return false;
  // It may have moved to another one.
  const now = tree?.named.find((running) => running.pid === workload)?.handling?.group ?? group;
  return now === undefined || handling === undefined || handling.group === now;
}

function advice(sent: Sent, scene: Scene): string[] {
  const { tree, stopTimeoutMs } = scene;
  return [
    adviceToRewrite(sent.signal, scene),
    tree?.named.some((running) => !isReached(sent, scene, running)) &&
      'add --scope tree to reach all of them',
    stopTimeoutMs === undefined
      ? 'add --stop-timeout to limit the wait'
      : `--stop-timeout kills everything after ${duration(stopTimeoutMs)}`,
  ].filter((advice) => typeof advice === 'string');
}

/** Names another stop signal, on which the workload may end instead. */
function adviceToRewrite(signal: Signal, { tree, workload }: Scene): string | undefined {
  const { name, handling } = tree?.named.find(({ pid }) => pid === workload) ?? {};
  if (handling === undefined || reactionTo(signal, handling) === 'handles') return undefined;
  const other = stopSignals.find((one) => one !== signal && inSignalSet(handling.caught, one));
  if (other === undefined) return undefined;
  const [from, to] = [signal, other].map((one) => signalName(one).replace(/^SIG/, ''));
  return `${name} handles ${signalName(other)}: add --rewrite ${from}:${to}`;
}

function reactions(tree: Tree | undefined): string {
  return listOf(tree, (running) => reaction(running, SIGTERM));
}

/** "ignores SIGTERM", "handles SIGTERM and has not ended yet". */
function reaction({ handling, heldBy }: RunningProcess, signal: Signal): string | undefined {
  const isHeld = heldBy !== undefined;
  if (handling === undefined) return isHeld ? undefined : 'has not ended yet';
  const reacts = reactionTo(signal, handling);
  return `${reacts} ${signalName(signal)}${reacts === 'handles' && !isHeld ? ' and has not ended yet' : ''}`;
}

/** ": sh (pid 7) ignores SIGTERM, sleep (pid 9) is stopped, and 3 more". @param what undefined for nothing to say */
function listOf(tree: Tree | undefined, what: (running: RunningProcess) => string | undefined): string {
  if (tree === undefined || tree.named.length === 0) return '';
  const names = tree.named.map((running) => {
    const { name, pid, heldBy } = running;
    const remarks = [what(running), heldBy && `is ${heldBy}`].filter(Boolean).join(' and ');
    return `${name} (pid ${pid}) ${remarks}`.trimEnd();
  });
  const { more, isCounted } = tree;
  if (more > 0 && isCounted) names.push(`and ${more} more`);
  if (!isCounted) names.push(more > 0 ? `and at least ${more} more` : 'and perhaps more');
  return `: ${names.join(', ')}`;
}
