import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import Ajv from 'ajv/dist/2020.js';
import { expect, onTestFinished, test } from 'vitest';
import type { TraceEvent } from '../../src/observe/trace-events.ts';
import { actor, unshareArguments } from '../helpers/environment.ts';
import { describeModes, describeWith } from '../helpers/modes.ts';
import { childrenOf, descendantsOf, statusField, until } from '../helpers/proc.ts';
import { runInit, startInit } from '../helpers/run-init.ts';

const schema = JSON.parse(readFileSync(resolve(import.meta.dirname, '../../docs/trace.schema.json'), 'utf8'));
const validate = new Ajv.default({ allErrors: true, allowUnionTypes: true }).compile(schema);

type Slice = Extract<TraceEvent, { ph: 'X' }>;

/** A file in a folder of its own. */
async function freshFile(name = 'trace.json'): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'subreaper-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, name);
}

/** Reads a trace, which is all that is in its folder. Checks what holds for all of them. */
function read(file: string) {
  expect(readdirSync(dirname(file))).toHaveLength(1);
  const contents = JSON.parse(readFileSync(file, 'utf8')) as { traceEvents: TraceEvent[] };
  expect(validate(contents) ? [] : validate.errors).toEqual([]);
  const events = contents.traceEvents;
  const slices = events.filter((event): event is Slice => event.ph === 'X');
  expectNested(slices);
  for (const event of events) {
    if (event.ph !== 's' && event.ph !== 't' && event.ph !== 'f') continue;
    const around = slices.some(
      ({ tid, ts, dur }) => tid === event.tid && ts <= event.ts && event.ts < ts + dur,
    );
    expect(around, JSON.stringify(event)).toBe(true);
  }
  const processes = slices.filter(({ cat }) => cat === 'process');
  return {
    processes,
    phases: slices.filter(({ cat }) => cat === 'phase'),
    instants: events.filter(({ ph }) => ph === 'i').map(({ name, tid }) => ({ name, tid })),
    init: processes[0] as Slice,
    named: (name: string) => processes.filter((slice) => slice.name === name),
    /** The rows that each arrow connects. */
    arrows: (cat: 'fork' | 'adoption') => {
      const arrows = new Map<number, number[]>();
      for (const event of events) {
        if (!('id' in event) || event.cat !== cat) continue;
        arrows.set(event.id, [...(arrows.get(event.id) ?? []), event.tid]);
      }
      return [...arrows.values()];
    },
  };
}

/** Two slices of one row are one in the other, or one after the other. */
function expectNested(slices: readonly Slice[]): void {
  const sorted = slices.toSorted((one, other) => one.ts - other.ts || other.dur - one.dur);
  for (const row of new Set(slices.map(({ tid }) => tid))) {
    const open: number[] = [];
    for (const { ts, dur } of sorted.filter(({ tid }) => tid === row)) {
      while (open.length > 0 && (open.at(-1) as number) <= ts) open.pop();
      expect(ts + dur).toBeLessThanOrEqual(open.at(-1) ?? Number.POSITIVE_INFINITY);
      open.push(ts + dur);
    }
  }
}

describeModes(['actor'], '--trace', (mode) => {
  test('shows the workload below init, from its start to its end', async () => {
    const file = await freshFile();
    const { code } = await runInit({ mode, options: ['--trace', file], command: ['sh', '-c', 'exit 3'] });
    expect(code).toBe(3);
    const { processes, init, arrows, phases, instants } = read(file);
    expect(init).toMatchObject({ name: 'subreaper', args: { parent: null, code: 3 } });
    expect(init.tid).toBe(init.pid);
    if (mode === 'pid1') expect(init.pid).toBe(1);
    const workload = { name: 'sh', args: { pid: expect.any(Number), parent: init.pid, code: 3 } };
    expect(processes).toMatchObject([{}, workload]);
    expect(arrows('fork')).toEqual([[init.tid, processes[1]?.tid]]);
    expect(arrows('adoption')).toEqual([]);
    expect({ phases, instants }).toEqual({ phases: [], instants: [] });
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test('shows a stop: its phases, its signals, what ran, and what was left', async () => {
    const file = await freshFile();
    const script = `(trap '' TERM; exec sleep 1000) & trap 'exit 3' TERM; echo ready; while :; do sleep 0.01; done`;
    const init = await startInit({
      mode,
      options: ['--trace', file, '--stop-delay', '100ms', '--grace', '100ms', '-q'],
      command: ['sh', '-c', script],
    });
    expect(await init.nextLine()).toBe('ready');
    await until(() => descendantsOf(init.pid).some(({ name }) => name === 'sleep'), 'something runs');
    await initLooks(init.pid);
    init.kill('SIGTERM');
    expect(await init.exit).toEqual({ code: 3, signal: null });
    const trace = read(file);
    expect(trace.phases.slice(0, 3).map(({ name }) => name)).toEqual(['stop-delay', 'stop', 'grace']);
    expect(new Set(trace.phases.map(({ tid }) => tid))).toEqual(new Set([trace.init.tid]));
    expect(trace.phases[0]?.dur).toBeGreaterThanOrEqual(99_000);
    const [workload] = trace.named('sh');
    expect(workload?.args).toMatchObject({ code: 3 });
    expect(trace.instants).toEqual(
      expect.arrayContaining([
        { name: 'SIGTERM received', tid: trace.init.tid },
        { name: 'SIGTERM to the workload', tid: workload?.tid },
        { name: 'SIGTERM to survivors', tid: trace.init.tid },
      ]),
    );
    // PID 1 exits, and leaves the last kill to the kernel.
    const unfinished = trace.processes.filter(({ args }) => args?.unfinished);
    if (mode === 'pid1') expect(unfinished.length).toBeGreaterThanOrEqual(1);
    else expect(unfinished).toEqual([]);
    for (const { ts, dur } of unfinished) expect(ts + dur).toBe(trace.init.ts + trace.init.dur);
  });

  test('shows what a process executes, who adopts it, and how it ends', async () => {
    const file = await freshFile();
    // The shell in the middle waits until it has been seen. When it ends, its child is an orphan.
    const script = `sh -c 'sleep 1000 & echo ready; read -r _' <&0; echo orphaned; read -r _; exec sleep 1000`;
    const init = await startInit({ mode, options: ['--trace', file], command: ['sh', '-c', script] });
    expect(await init.nextLine()).toBe('ready');
    await until(() => descendantsOf(init.pid).some(({ name }) => name === 'sleep'), 'it has executed sleep');
    await initLooks(init.pid);
    init.stdin.write('\n');
    expect(await init.nextLine()).toBe('orphaned');
    await until(() => childrenOf(init.pid).some(({ name }) => name === 'sleep'), 'init has adopted it');
    await initLooks(init.pid);
    init.stdin.write('\n');
    const isSleep = ({ name }: { name: string }) => name === 'sleep';
    await until(() => childrenOf(init.pid).every(isSleep), 'the workload has executed sleep');
    await initLooks(init.pid);
    init.kill('SIGTERM');
    expect(await init.exit).toEqual({ code: 143, signal: null });
    const trace = read(file);
    const own = trace.processes.filter(({ args }) => args?.parent === trace.init.args?.pid);
    expect(own.map(({ name }) => name)).toEqual(['sh', 'sleep']);
    expect(own[1]?.args).toMatchObject({ signal: 'SIGTERM' });
    const middle = trace.processes.find(({ args }) => args?.parent === own[0]?.args?.pid);
    const orphan = trace.processes.find(({ args }) => args?.parent === middle?.args?.pid);
    expect(trace.arrows('fork')).toEqual([
      [trace.init.tid, own[0]?.tid],
      [own[0]?.tid, middle?.tid],
      [middle?.tid, orphan?.tid],
    ]);
    expect(trace.arrows('adoption')).toEqual([[middle?.tid, orphan?.tid, trace.init.tid]]);
  });

  test('shows orphans that live too short to be looked at: init reaps them itself', async () => {
    const file = await freshFile();
    const init = await startInit({
      mode,
      options: ['--trace', file, '-v'],
      command: ['sh', '-c', `exec ${actor} orphans 20`],
    });
    expect(await init.nextLine()).toBe('done');
    await until(() => childrenOf(init.pid).length === 1, 'every orphan is reaped');
    await until(() => init.stderr().includes('"init reaps orphans"'), 'init says who reaps');
    init.kill('SIGTERM');
    await init.exit;
    const trace = read(file);
    const orphans = trace.processes.filter(({ tid, args }) => tid !== trace.init.tid && args?.code === 0);
    const unseen = trace.instants.map(({ name }) =>
      Number(/^(\d+) orphans ended unseen$/.exec(name)?.[1] ?? 0),
    );
    expect(orphans.length + unseen.reduce((sum, count) => sum + count, 0)).toBe(20);
    expect(orphans.length).toBeGreaterThan(0);
    expect(trace.arrows('adoption').length).toBeGreaterThanOrEqual(orphans.length);
    expect(init.stderr().split('init reaps orphans')).toHaveLength(2);
  });

  test('shows each run of a workload that is restarted', async () => {
    const file = await freshFile();
    const { code } = await runInit({
      mode,
      options: ['--trace', file, '--restart', 'on-failure:2', '-q'],
      command: ['sh', '-c', 'exit 5'],
    });
    expect(code).toBe(5);
    const runs = read(file).named('sh');
    expect(runs.map(({ args }) => args?.code)).toEqual([5, 5, 5]);
    expect(new Set(runs.map(({ tid }) => tid)).size).toBe(3);
  });

  test('shows what --until all waits for', async () => {
    const file = await freshFile();
    const init = await startInit({
      mode,
      options: ['--trace', file, '--until', 'all'],
      command: ['sh', '-c', 'exec 3<&0; cat <&3 & exit 0'],
    });
    await until(() => childrenOf(init.pid).some(({ name }) => name === 'cat'), 'the workload has ended');
    await initLooks(init.pid);
    init.stdin.end();
    expect(await init.exit).toEqual({ code: 0, signal: null });
    const { phases, processes } = read(file);
    expect(phases.map(({ name }) => name)).toEqual(['drain']);
    expect(processes.at(-1)).toMatchObject({ name: 'cat', args: { code: 0 } });
  });

  test('is written after --stop-timeout as well', async () => {
    const file = await freshFile();
    const init = await startInit({
      mode,
      options: ['--trace', file, '--stop-timeout', '100ms', '--log-level', 'silent'],
      command: ['sh', '-c', `trap '' TERM; setsid sleep 1000 & echo ready; read -r _`],
    });
    expect(await init.nextLine()).toBe('ready');
    await until(() => descendantsOf(init.pid).some(({ name }) => name === 'sleep'), 'the other one runs');
    await initLooks(init.pid);
    init.kill('SIGTERM');
    expect(await init.exit).toEqual({ code: 137, signal: null });
    const trace = read(file);
    expect(trace.phases.map(({ name }) => name)).toEqual(expect.arrayContaining(['stop', 'kill']));
    expect(trace.named('sh')[0]?.args).toMatchObject({ signal: 'SIGKILL' });
    expect(trace.named('sleep')).toHaveLength(1);
    expect(trace.instants).toContainEqual({
      name: 'SIGKILL to the remaining processes',
      tid: trace.init.tid,
    });
  });

  test('is written if nothing could be started', async () => {
    const file = await freshFile();
    const { code } = await runInit({ mode, options: ['--trace', file], command: ['no-such-command'] });
    expect(code).toBe(127);
    expect(read(file).processes).toMatchObject([{ name: 'subreaper', args: { code: 127 } }]);
  });

  test('replaces an older one, and no other thing: one warning, and the same status', async () => {
    const file = await freshFile();
    writeFileSync(file, 'older');
    await runInit({ mode, options: ['--trace', file], command: ['true'] });
    expect(read(file).processes).toHaveLength(2);

    const target = await freshFile('target');
    writeFileSync(target, 'theirs');
    symlinkSync(target, `${target}-link`);
    mkdirSync(`${target}-folder`);
    for (const name of [`${target}-link`, `${target}-folder`, `${target}-none/trace.json`]) {
      const { code, stderr } = await runInit({
        mode,
        options: ['--trace', name],
        command: ['sh', '-c', 'exit 3'],
      });
      expect(code).toBe(3);
      const lines = stderr.trim().split('\n');
      expect(lines.map((line) => JSON.parse(line))).toMatchObject([
        {
          level: 40,
          msg: `cannot write the trace to '${name}'; its directory must exist, be writable and have space left`,
          error: expect.stringMatching(/^(EEXIST|ENOENT): [^/]+$/),
        },
      ]);
    }
    expect(readFileSync(target, 'utf8')).toBe('theirs');
    expect(readdirSync(dirname(target)).sort()).toEqual(['target', 'target-folder', 'target-link']);
  });

  test('holds nothing of the arguments and of the environment', async () => {
    const secret = 'hunter2-d41d8cd9';
    const file = await freshFile();
    await runInit({
      mode,
      options: ['--trace', file, '--grace', '0', '-q'],
      command: ['sh', '-c', `: ${secret}; sh -c ': ${secret}; sleep 1000' ${secret} & kill -KILL $$`, secret],
      spawn: { env: { ...process.env, SECRET: secret } },
    });
    expect(read(file).named('sh')[0]?.args).toMatchObject({ signal: 'SIGKILL' });
    expect(readFileSync(file, 'utf8')).not.toContain(secret);
  });
});

describeWith(['namespaces'], '--trace where /proc is that of another namespace', () => {
  test('shows init and the workload', async () => {
    const file = await freshFile();
    const init = await startInit({
      under: ['unshare', ...(unshareArguments ?? []).filter((argument) => argument !== '--mount-proc'), '--'],
      options: ['--trace', file, '-q'],
      command: ['sh', '-c', 'sleep 0 & wait; exit 3'],
    });
    expect(await init.exit).toEqual({ code: 3, signal: null });
    expect(read(file).processes).toMatchObject([
      { name: 'subreaper', args: { pid: 1, code: 3 } },
      { name: 'sh', args: { parent: 1, code: 3 } },
    ]);
  });
});

/** More than init reads in two looks at a handful of processes: so one look has begun and ended since. */
const SOME_READS = 500;

/** Waits until init has looked at the tree as it is now. An idle init reads nothing else: proc_pid_io(5). */
async function initLooks(pid: number): Promise<void> {
  const reads = () => Number(statusField(pid, 'syscr', 'io'));
  const before = reads();
  await until(() => reads() > before + SOME_READS, 'init looks at the tree');
}
