import type { Pid } from '../native/types.ts';
import { signalNumber } from '../signals/signal-names.ts';
import { duration } from './quantities.ts';
import { listOf, reaction, whatRuns } from './slow-stop.ts';
import type { Tree } from './snapshot.ts';

const SIGTERM = signalNumber('SIGTERM');

/** What init ends: what the workload left, or all of it, because its owner or its input has ended. */
export interface Survivors {
  readonly tree: Tree | undefined;
  /** undefined once it has ended. */
  readonly workload: Pid | undefined;
}

export function describeWaiting(tree: Tree | undefined): string {
  return `waiting for what the workload left${listOf(tree, () => undefined)}`;
}

export function describeAsking({ tree, workload }: Survivors, graceMs: number): string {
  const whom = workload === undefined ? 'survivors' : 'the workload';
  return `asking ${whom} to end within ${duration(graceMs)}${listOf(tree, () => undefined)}`;
}

/** @param waitedMs since they got SIGTERM */
export function describeSlowSurvivors(
  { tree, workload }: Survivors,
  waitedMs: number,
  graceMs: number,
): string {
  const what = `${whatRuns(workload)} ${duration(waitedMs)} after SIGTERM${reactions(tree)}`;
  return `${what}; --grace kills everything after ${duration(graceMs)}`;
}

/** @param waitedMs since they got SIGTERM; undefined if they did not */
export function describeKilling({ tree, workload }: Survivors, waitedMs: number | undefined): string {
  const what = workload === undefined ? 'killing what is left' : 'killing the workload';
  if (waitedMs === undefined) return `${what} at once${listOf(tree, () => 'was not asked')}`;
  return `${what} ${duration(waitedMs)} after SIGTERM${reactions(tree)}`;
}

function reactions(tree: Tree | undefined): string {
  return listOf(tree, (running) => reaction(running, SIGTERM, 'SIGTERM'));
}
