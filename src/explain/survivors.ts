import type { Signal } from '../native/types.ts';
import { duration } from './quantities.ts';
import { listOf, reaction } from './slow-stop.ts';
import type { Tree } from './snapshot.ts';

/** What the workload left, and init waits for. */
export interface Survivors {
  readonly tree: Tree | undefined;
  /** Since they were asked to end; undefined if they were not. */
  readonly waitedMs: number | undefined;
  readonly graceMs: number;
  /** SIGTERM, by which they were asked. */
  readonly signal: Signal;
  readonly nameOf: (signal: Signal) => string;
}

export function describeWaiting(tree: Tree | undefined): string {
  return `waiting for what the workload left${listOf(tree, () => undefined)}`;
}

export function describeAsking(tree: Tree | undefined, graceMs: number): string {
  return `asking survivors to end within ${duration(graceMs)}${listOf(tree, () => undefined)}`;
}

export function describeSlowSurvivors({ tree, waitedMs = 0, graceMs, signal, nameOf }: Survivors): string {
  const list = listOf(tree, (running) => reaction(running, signal, nameOf));
  const what = `what the workload left still runs ${duration(waitedMs)} after ${nameOf(signal)}`;
  return `${what}${list}; --grace ends it after ${duration(graceMs)}`;
}

export function describeKilling({ tree, waitedMs, signal, nameOf }: Omit<Survivors, 'graceMs'>): string {
  const when = waitedMs === undefined ? 'at once' : `after ${duration(waitedMs)}`;
  const list = listOf(tree, (running) =>
    waitedMs === undefined ? 'was not asked' : reaction(running, signal, nameOf),
  );
  return `killing what is left ${when}${list}`;
}
