import { inSignalSet } from '../native/signal-set.ts';
import type { Pid, Signal } from '../native/types.ts';
import { reactionTo } from '../process-tree/signal-handling.ts';
import { duration } from './quantities.ts';
import type { RunningProcess, Tree } from './snapshot.ts';

/** What is known of a stop that takes long. */
export interface SlowStop {
  readonly tree: Tree | undefined;
  /** undefined once it has ended. */
  readonly workload: Pid | undefined;
  /** As it was sent. */
  readonly signal: Signal;
  readonly waitedMs: number;
  readonly scope: 'group' | 'child' | 'tree';
  readonly stopTimeoutMs: number | undefined;
  readonly nameOf: (signal: Signal) => string;
  /** A signal that the workload may end on instead. */
  readonly alternatives: readonly Signal[];
}

/** Who still runs, why, and which option changes it. */
export function describeSlowStop(stop: SlowStop): string {
  const what = `${runs(stop)} ${duration(stop.waitedMs)} after ${stop.nameOf(stop.signal)}`;
  return [`${what}${members(stop)}`, ...advice(stop)].join('; ');
}

/** The same when --stop-timeout is over. */
export function describeStopTimeout(stop: SlowStop): string {
  const what = `stop timeout: ${runs(stop)} ${duration(stop.waitedMs)} after ${stop.nameOf(stop.signal)}`;
  return `${what}, everything gets SIGKILL${members(stop)}`;
}

function runs({ workload }: SlowStop): string {
  return workload === undefined ? 'what the workload left still runs' : 'the workload still runs';
}

function members(stop: SlowStop): string {
  return listOf(stop.tree, (running) => {
    if (!isReached(stop, running)) return 'did not get it';
    return reaction(running, stop.signal, stop.nameOf);
  });
}

/** Whether a forwarded signal reaches the process. */
function isReached({ scope, workload, tree }: SlowStop, { pid, handling }: RunningProcess): boolean {
  if (workload === undefined || scope === 'tree' || pid === workload) return true;
  if (scope === 'child') return false;
  const group = tree?.named.find((running) => running.pid === workload)?.handling?.group;
  return group === undefined || handling === undefined || handling.group === group;
}

function advice(stop: SlowStop): string[] {
  const { tree, stopTimeoutMs, signal, nameOf } = stop;
  const lines: string[] = [];
  const alternative = betterSignal(stop);
  if (alternative !== undefined) {
    const [from, to] = [nameOf(signal), nameOf(alternative)].map((name) => name.replace(/^SIG/, ''));
    lines.push(`it handles ${nameOf(alternative)}: --rewrite ${from}:${to}`);
  }
  if (tree?.named.some((running) => !isReached(stop, running)))
    lines.push('--scope tree reaches all of them');
  lines.push(
    stopTimeoutMs === undefined
      ? '--stop-timeout limits the wait'
      : `--stop-timeout ends it after ${duration(stopTimeoutMs)}`,
  );
  return lines;
}

function betterSignal({ tree, workload, signal, alternatives }: SlowStop): Signal | undefined {
  const handling = tree?.named.find(({ pid }) => pid === workload)?.handling;
  if (handling === undefined || reactionTo(signal, handling) === 'handles') return undefined;
  return alternatives.find((other) => other !== signal && inSignalSet(handling.caught, other));
}

/** ": sh (pid 7) ignores SIGTERM, sleep (pid 9) is stopped, and 3 more". @param what undefined for nothing to say */
export function listOf(
  tree: Tree | undefined,
  what: (running: RunningProcess) => string | undefined,
): string {
  if (tree === undefined || tree.named.length === 0) return '';
  const names = tree.named.map((running) => {
    const { name, pid, heldBy } = running;
    const remarks = [what(running), heldBy && `is ${heldBy}`].filter(Boolean).join(' and ');
    return `${name} (pid ${pid}) ${remarks}`.trimEnd();
  });
  const { more, isCounted } = tree;
  if (more > 0 && isCounted) names.push(`and ${more} more`);
  if (!isCounted) names.push(more > 0 ? `and ${more} more at least` : 'and perhaps more');
  return `: ${names.join(', ')}`;
}

/** "ignores SIGTERM", "handles SIGTERM and has not ended yet". */
export function reaction(
  { handling, heldBy }: RunningProcess,
  signal: Signal,
  nameOf: SlowStop['nameOf'],
): string | undefined {
  const isHeld = heldBy !== undefined;
  if (handling === undefined) return isHeld ? undefined : 'has not ended yet';
  const reacts = reactionTo(signal, handling);
  return `${reacts} ${nameOf(signal)}${reacts === 'handles' && !isHeld ? ' and has not ended yet' : ''}`;
}
