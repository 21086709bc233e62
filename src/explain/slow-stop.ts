import { inSignalSet } from '../native/signal-set.ts';
import type { Pid, Signal } from '../native/types.ts';
import { reactionTo } from '../process-tree/signal-handling.ts';
import { stopSignals } from '../signals/stop-signals.ts';
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
}

/** Who still runs, why, and which option changes it. */
export function describeSlowStop(stop: SlowStop): string {
  return [`${stillRuns(stop)}${members(stop)}`, ...advice(stop)].join('; ');
}

/** The same when --stop-timeout is over. */
export function describeStopTimeout(stop: SlowStop): string {
  return `stop timeout: ${stillRuns(stop)}, everything gets SIGKILL${members(stop)}`;
}

function stillRuns({ workload, waitedMs, signal, nameOf }: SlowStop): string {
  return `${whatRuns(workload)} ${duration(waitedMs)} after ${nameOf(signal)}`;
}

/** @param workload undefined once it has ended */
export function whatRuns(workload: Pid | undefined): string {
  return workload === undefined ? 'what the workload left still runs' : 'the workload still runs';
}

function members(stop: SlowStop): string {
  const { tree, signal, nameOf } = stop;
  return listOf(tree, (running) =>
    isReached(stop, running) ? reaction(running, signal, nameOf(signal)) : 'did not get it',
  );
}

/** Whether a forwarded signal reaches the process. */
function isReached({ scope, workload, tree }: SlowStop, { pid, handling }: RunningProcess): boolean {
  if (workload === undefined || scope === 'tree' || pid === workload) return true;
  if (scope === 'child') return false;
  const group = tree?.named.find((running) => running.pid === workload)?.handling?.group;
  return group === undefined || handling === undefined || handling.group === group;
}

function advice(stop: SlowStop): string[] {
  const { tree, stopTimeoutMs } = stop;
  return [
    adviceToRewrite(stop),
    tree?.named.some((running) => !isReached(stop, running)) && 'add --scope tree to reach all of them',
    stopTimeoutMs === undefined
      ? 'add --stop-timeout to limit the wait'
      : `--stop-timeout kills everything after ${duration(stopTimeoutMs)}`,
  ].filter((advice) => typeof advice === 'string');
}

/** Names another stop signal, on which the workload may end instead. */
function adviceToRewrite({ tree, workload, signal, nameOf }: SlowStop): string | undefined {
  const { name, handling } = tree?.named.find(({ pid }) => pid === workload) ?? {};
  if (handling === undefined || reactionTo(signal, handling) === 'handles') return undefined;
  const other = stopSignals.find((one) => one !== signal && inSignalSet(handling.caught, one));
  if (other === undefined) return undefined;
  const [from, to] = [signal, other].map((one) => nameOf(one).replace(/^SIG/, ''));
  return `${name} handles ${nameOf(other)}: add --rewrite ${from}:${to}`;
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
  signalName: string,
): string | undefined {
  const isHeld = heldBy !== undefined;
  if (handling === undefined) return isHeld ? undefined : 'has not ended yet';
  const reacts = reactionTo(signal, handling);
  return `${reacts} ${signalName}${reacts === 'handles' && !isHeld ? ' and has not ended yet' : ''}`;
}
