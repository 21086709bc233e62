import { signalName } from '../signals/signal-names.ts';
import type { History, TracedProcess } from './history.ts';

/**
 * An event of the Trace Event Format, which Perfetto, chrome://tracing and Chromium's Performance panel read:
 * docs/trace.schema.json. Times are microseconds.
 */
export type TraceEvent = { readonly name: string; readonly pid: number; readonly tid: number } & (
  | { readonly ph: 'M'; readonly args: { readonly name: string } | { readonly sort_index: number } }
  | {
      readonly ph: 'X';
      readonly cat: 'process' | 'phase';
      readonly ts: number;
      readonly dur: number;
      readonly args?: ProcessArguments;
    }
  | { readonly ph: 'i'; readonly cat: 'event'; readonly ts: number; readonly s: 't' }
  | {
      readonly ph: 's' | 't' | 'f';
      readonly cat: 'fork' | 'adoption';
      readonly id: number;
      readonly ts: number;
      /** Binds the arrow to the slice around its end. */
      readonly bp: 'e';
    }
);

interface ProcessArguments {
  readonly pid: number;
  /** Who forked it; null if init did not see that. */
  readonly parent: number | null;
  /** How it ended, if init took its status. */
  readonly code?: number;
  readonly signal?: string;
  /** It still ran when the trace was written. */
  readonly unfinished?: true;
}

/** A file of trace events, one a line. @param endUs when the trace ends, in microseconds since boot */
export function traceText(history: History, endUs: number): string {
  const lines = Array.from(traceEvents(history, endUs), (event) => JSON.stringify(event));
  return `{"displayTimeUnit":"ms","traceEvents":[\n${lines.join(',\n')}\n]}\n`;
}

/** One group of rows, named after init, and a row for each process: viewers draw overlapping slices of one row wrongly. */
export function* traceEvents(history: History, endUs: number): Generator<TraceEvent, void> {
  const { root } = history;
  const rowOf = (traced: TracedProcess) => ({ pid: root.pid, tid: traced.row });
  const endOf = (traced: TracedProcess) =>
    Math.max(traced.endUs ?? endUs, (traced.programs.at(-1)?.sinceUs ?? 0) + 1);
  /** An arrow begins and ends in a slice. */
  const within = (traced: TracedProcess, atUs: number) =>
    Math.min(Math.max(atUs, traced.startUs), endOf(traced) - 1);

  yield { ph: 'M', name: 'process_name', ...rowOf(root), args: { name: 'subreaper' } };
  let place = 0;
  for (const traced of familyOrder(root)) {
    const name = `${traced.programs.at(-1)?.name} (pid ${traced.pid})`;
    yield { ph: 'M', name: 'thread_name', ...rowOf(traced), args: { name } };
    yield { ph: 'M', name: 'thread_sort_index', ...rowOf(traced), args: { sort_index: place++ } };
    yield* slicesOf(traced);
  }
  for (const { name, traced, atUs, tookUs } of history.marks) {
    if (tookUs === undefined) yield instant(name, traced, atUs);
    else yield { ph: 'X', cat: 'phase', name, ...rowOf(traced), ts: atUs, dur: tookUs };
  }
  const fullSinceUs = history.fullSinceUs();
  if (fullSinceUs !== undefined)
    yield instant('the trace is full: it does not show everything from here on', root, fullSinceUs);

  // Slices first: an arrow is bound to one that is there.
  let arrows = 0;
  for (const child of history.processes) {
    if (child.forkedBy !== undefined) yield* arrow('fork', child.startUs, [child.forkedBy, child]);
  }
  for (const { from, orphan, to, atUs } of history.adoptions)
    yield* arrow('adoption', atUs, from === undefined ? [orphan, to] : [from, orphan, to]);

  function* slicesOf(traced: TracedProcess): Generator<TraceEvent, void> {
    for (const [index, { name, sinceUs }] of traced.programs.entries()) {
      const next = traced.programs[index + 1];
      const dur = (next?.sinceUs ?? endOf(traced)) - sinceUs;
      const ending = next === undefined ? endingOf(traced) : {};
      const args = { pid: traced.pid, parent: traced.forkedBy?.pid ?? null, ...ending };
      yield { ph: 'X', cat: 'process', name, ...rowOf(traced), ts: sinceUs, dur, args };
    }
  }

  function instant(name: string, traced: TracedProcess, atUs: number): TraceEvent {
    return { ph: 'i', cat: 'event', name, ...rowOf(traced), ts: atUs, s: 't' };
  }

  function* arrow(
    name: 'fork' | 'adoption',
    atUs: number,
    by: readonly TracedProcess[],
  ): Generator<TraceEvent, void> {
    const id = ++arrows;
    for (const [index, traced] of by.entries()) {
      const ph = index === 0 ? 's' : index === by.length - 1 ? 'f' : 't';
      yield { ph, cat: name, name, ...rowOf(traced), id, ts: within(traced, atUs), bp: 'e' };
    }
  }
}

function endingOf({ endUs, how }: TracedProcess): Partial<ProcessArguments> {
  if (endUs === undefined) return { unfinished: true };
  if (how === undefined) return {};
  return how.kind === 'exited' ? { code: how.code } : { signal: signalName(how.signal) };
}

/** Parents before their children, and each family together. */
function* familyOrder(root: TracedProcess): Generator<TracedProcess, void> {
  // Not recursive: a chain of processes may be long.
  const next = [root];
  for (let traced = next.pop(); traced !== undefined; traced = next.pop()) {
    yield traced;
    next.push(...traced.children.toReversed());
  }
}
