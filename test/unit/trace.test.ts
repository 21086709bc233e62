import { expect, test } from 'vitest';
import type { Pid } from '../../src/native/types.ts';
import { createHistory } from '../../src/observe/history.ts';
import { type TraceEvent, traceEvents, traceText } from '../../src/observe/trace-events.ts';
import type { ProcessInfo } from '../../src/process-tree/process-table.ts';

const TICK_US = 10_000;
const pid = (number: number) => number as Pid;

/** A process below init (pid 1), started at a tick. */
function info(number: number, parent: number, startTime: number, name = 'sh'): ProcessInfo {
  return { pid: pid(number), parent: pid(parent), name, state: 'S', startTime, threads: 1 };
}

const init = info(1, 0, 100, 'subreaper');

function eventsOf(history: ReturnType<typeof createHistory>, endUs = 200 * TICK_US): TraceEvent[] {
  return [...traceEvents(history, endUs)];
}

function slicesOf(events: readonly TraceEvent[]) {
  return events.flatMap((event) => (event.ph === 'X' ? [event] : []));
}

/** Each arrow as the rows that it connects. */
function arrowsOf(events: readonly TraceEvent[]): { cat: string; rows: number[] }[] {
  const arrows = new Map<number, { cat: string; rows: number[] }>();
  for (const event of events) {
    if (event.ph !== 's' && event.ph !== 't' && event.ph !== 'f') continue;
    if (event.ph === 's') arrows.set(event.id, { cat: event.cat, rows: [] });
    arrows.get(event.id)?.rows.push(event.tid);
  }
  return [...arrows.values()];
}

test('a process has a slice from its start to its end, and an arrow from its parent', () => {
  const history = createHistory(init);
  history.seen(info(7, 1, 101), 101 * TICK_US, true);
  history.seen(info(8, 7, 105, 'node'), 106 * TICK_US);
  history.gone(pid(8), 120 * TICK_US);
  history.gone(pid(7), 130 * TICK_US, { kind: 'exited', code: 3 });
  const events = eventsOf(history);
  expect(slicesOf(events)).toMatchObject([
    {
      name: 'subreaper',
      tid: 1,
      ts: 100 * TICK_US,
      dur: 100 * TICK_US,
      args: { parent: null, unfinished: true },
    },
    { name: 'sh', tid: 7, ts: 101 * TICK_US, dur: 29 * TICK_US, args: { pid: 7, parent: 1, code: 3 } },
    { name: 'node', tid: 8, ts: 105 * TICK_US, dur: 15 * TICK_US, args: { pid: 8, parent: 7 } },
  ]);
  expect(arrowsOf(events)).toEqual([
    { cat: 'fork', rows: [1, 7] },
    { cat: 'fork', rows: [7, 8] },
  ]);
});

test('every program of a process has a slice, and the row bears the name of the last', () => {
  const history = createHistory(init);
  history.seen(info(7, 1, 101, 'sh'), 101 * TICK_US, true);
  history.seen(info(7, 1, 101, 'node'), 110 * TICK_US);
  const events = eventsOf(history);
  expect(slicesOf(events).slice(1)).toMatchObject([
    { name: 'sh', ts: 101 * TICK_US, dur: 9 * TICK_US },
    { name: 'node', ts: 110 * TICK_US, dur: 90 * TICK_US },
  ]);
  expect(events).toContainEqual(
    expect.objectContaining({ name: 'thread_name', tid: 7, args: { name: 'node (pid 7)' } }),
  );
});

test('an adoption leads from the dead parent by way of the orphan to init', () => {
  const history = createHistory(init);
  history.seen(info(7, 1, 101), 101 * TICK_US, true);
  history.seen(info(8, 7, 102), 102 * TICK_US);
  history.seen(info(9, 8, 103), 103 * TICK_US);
  history.seen(info(9, 1, 103), 110 * TICK_US);
  history.gone(pid(8), 110 * TICK_US);
  const events = eventsOf(history);
  expect(arrowsOf(events)).toContainEqual({ cat: 'adoption', rows: [8, 9, 1] });
});

test('an orphan whose parent nobody saw has no fork, and an adoption without it', () => {
  const history = createHistory(init);
  history.seen(info(9, 1, 103), 110 * TICK_US);
  const events = eventsOf(history);
  expect(slicesOf(events)[1]).toMatchObject({ name: 'sh', tid: 9, args: { parent: null } });
  expect(arrowsOf(events)).toEqual([{ cat: 'adoption', rows: [9, 1] }]);
});

test('a reused pid has a row of its own', () => {
  const history = createHistory(init);
  history.seen(info(7, 1, 101), 101 * TICK_US, true);
  history.seen(info(7, 1, 150, 'node'), 151 * TICK_US, true);
  const [, first, second] = slicesOf(eventsOf(history));
  expect(first).toMatchObject({ name: 'sh', tid: 7, dur: 50 * TICK_US });
  expect(second).toMatchObject({ name: 'node', tid: 4_194_304, args: { pid: 7 } });
});

test('a process that was looked at before its end stays gone', () => {
  const history = createHistory(init);
  history.seen(info(7, 1, 101), 101 * TICK_US, true);
  history.gone(pid(7), 102 * TICK_US);
  history.seen(info(7, 1, 101), 103 * TICK_US);
  expect(slicesOf(eventsOf(history))).toHaveLength(2);
  expect(history.alive()).toEqual([1]);
});

test('a zombie has ended, also before its parent waits for it', () => {
  const history = createHistory(init);
  history.seen(info(7, 1, 101), 101 * TICK_US, true);
  history.seen({ ...info(8, 7, 102), state: 'Z' }, 110 * TICK_US);
  history.gone(pid(8), 150 * TICK_US);
  expect(slicesOf(eventsOf(history))[2]).toMatchObject({ tid: 8, dur: 8 * TICK_US });
});

test('rows stand in the order of families', () => {
  const history = createHistory(init);
  for (const [number, parent] of [
    [7, 1],
    [8, 1],
    [9, 7],
    [10, 8],
    [11, 9],
    [12, 7],
  ] as const)
    history.seen(info(number, parent, 100 + number), 150 * TICK_US, parent === 1);
  const places = eventsOf(history).filter(({ name }) => name === 'thread_sort_index');
  expect(places.map(({ tid }) => tid)).toEqual([1, 7, 9, 11, 12, 8, 10]);
});

test('a chain of 20,000 processes is no problem', () => {
  const history = createHistory(init);
  for (let number = 2; number < 20_000; number++)
    history.seen(info(number, number - 1, 101), 150 * TICK_US, number === 2);
  expect(JSON.parse(traceText(history, 200 * TICK_US)).traceEvents.length).toBeGreaterThan(20_000);
});

test('every arrow begins and ends within a slice of its row', () => {
  const history = createHistory(init);
  history.seen(info(7, 1, 101), 101 * TICK_US, true);
  // It ended within the tick of its start, and its child is seen much later.
  history.seen(info(8, 7, 101), 101 * TICK_US);
  history.seen(info(9, 8, 101), 101 * TICK_US);
  history.gone(pid(8), 101 * TICK_US);
  history.seen(info(9, 1, 101), 150 * TICK_US);
  const events = eventsOf(history);
  const slices = slicesOf(events);
  for (const event of events) {
    if (event.ph !== 's' && event.ph !== 't' && event.ph !== 'f') continue;
    const isInside = slices.some(
      ({ tid, ts, dur }) => tid === event.tid && ts <= event.ts && event.ts < ts + dur,
    );
    expect(isInside, JSON.stringify(event)).toBe(true);
  }
});

test('memory is bounded: a note says where something is missing', () => {
  const history = createHistory(init, 3, 4);
  for (let number = 7; number < 20; number++)
    history.seen(info(number, 1, 100 + number), (100 + number) * TICK_US, true);
  for (let time = 121; time < 130; time++) {
    history.seen(info(7, 1, 107, `name ${time}`), time * TICK_US);
    history.instant('SIGUSR1 received', time * TICK_US);
    history.phase('stop', time * TICK_US, time * TICK_US);
  }
  const events = eventsOf(history);
  expect(slicesOf(events).filter(({ cat }) => cat === 'process')).toHaveLength(1 + 2 + 2);
  expect(events.filter(({ ph }) => ph === 'i')).toEqual([
    expect.objectContaining({ name: 'SIGUSR1 received' }),
    expect.objectContaining({
      name: 'the trace is full: it does not show everything from here on',
      ts: 109 * TICK_US,
    }),
  ]);
});
