import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { TraceEvent } from '../../src/observe/trace-events.ts';
import { inChromium } from '../helpers/chromium.ts';
import { describeWith } from '../helpers/modes.ts';
import { descendantsOf, until } from '../helpers/proc.ts';
import { startInit } from '../helpers/run-init.ts';

/** What Chromium's Performance panel makes of a row. */
interface Row {
  readonly tid: number;
  readonly name: string;
  readonly slices: readonly Slice[];
}

interface Slice {
  readonly name: string;
  readonly ts: number;
  readonly dur: number;
  readonly inside: readonly string[];
}

/** Chromium's developer tools: the Performance panel reads traces with a module of theirs. */
const tools = 'devtools://devtools/bundled';

/** As much of that module as this needs. */
declare const panel: {
  readonly TraceModel: { readonly Model: { createWithAllHandlers(): Model } };
};

interface Model {
  parse(events: readonly TraceEvent[], options: object): Promise<void>;
  parsedTrace(index: number): {
    readonly data: {
      readonly Meta: { readonly traceIsGeneric: boolean };
      readonly Renderer: { readonly processes: ReadonlyMap<number, { readonly threads: Threads }> };
    };
  };
}

type Threads = ReadonlyMap<number, { readonly name: string; readonly tree: { readonly roots: Set<Node> } }>;

interface Node {
  readonly entry: { readonly name: string; readonly ts: number; readonly dur: number };
  readonly children: readonly Node[];
}

/** Loads a trace into the developer tools of a real Chromium. */
function parse(text: string): Promise<{ isGeneric: boolean; groups: number[]; rows: Row[] }> {
  return inChromium(async (page) => {
    await page.goto(`${tools}/devtools_app.html`, { timeout: 0 });
    // As text: vitest would rewrite the import.
    await page.evaluate(`import('${tools}/models/trace/trace.js').then((module) => { panel = module; })`);
    return page.evaluate(async (json) => {
      const model = panel.TraceModel.Model.createWithAllHandlers();
      await model.parse(JSON.parse(json).traceEvents, {});
      const { Meta, Renderer } = model.parsedTrace(0).data;
      const rows = [...Renderer.processes.values()].flatMap(({ threads }) =>
        [...threads].map(([tid, { name, tree }]) => ({
          tid,
          name,
          slices: [...tree.roots].map(({ entry, children }) => ({
            name: entry.name,
            ts: entry.ts,
            dur: entry.dur,
            inside: children.map((child) => child.entry.name),
          })),
        })),
      );
      return { isGeneric: Meta.traceIsGeneric, groups: [...Renderer.processes.keys()], rows };
    }, text);
  });
}

describeWith(['namespaces', 'chromium'], 'a trace in Chromium’s Performance panel', () => {
  test('has a row for each process, and the phases within init', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'subreaper-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'trace.json');
    const script = `(trap '' TERM; exec sleep 1000) & trap 'exit 3' TERM; echo ready; while :; do sleep 0.01; done`;
    const running = await startInit({
      mode: 'pid1',
      options: ['--trace', file, '--stop-delay', '100ms', '--grace', '100ms', '-q'],
      command: ['sh', '-c', script],
    });
    expect(await running.nextLine()).toBe('ready');
    await until(() => descendantsOf(running.pid).some(({ name }) => name === 'sleep'), 'something runs');
    running.kill('SIGTERM');
    expect(await running.exit).toEqual({ code: 3, signal: null });

    const text = readFileSync(file, 'utf8');
    const { isGeneric, groups, rows } = await parse(text);
    expect({ isGeneric, groups }).toEqual({ isGeneric: true, groups: [1] });
    const written = (JSON.parse(text) as { traceEvents: TraceEvent[] }).traceEvents;
    const processes = written.flatMap((event) =>
      event.ph === 'X' && event.cat === 'process' ? [event] : [],
    );
    const key = ({ tid, name, ts, dur }: Timed) => `${tid} ${name} ${ts} ${dur}`;
    const shown = rows.flatMap(({ tid, slices }) => slices.map((slice) => key({ tid, ...slice })));
    expect(shown.sort()).toEqual(processes.map(key).sort());
    const init = rows.find(({ tid }) => tid === 1);
    expect(init).toMatchObject({ name: 'subreaper (pid 1)', slices: [{ name: 'subreaper' }] });
    expect(init?.slices[0]?.inside).toEqual(['stop-delay', 'stop', 'grace']);
    for (const { tid, name } of rows) expect(name).toMatch(new RegExp(` \\(pid ${tid}\\)$`));
    const others = rows.filter((row) => row !== init).flatMap(({ slices }) => slices);
    expect(others.flatMap(({ inside }) => inside)).toEqual([]);
  });
});

type Timed = { readonly tid: number; readonly name: string; readonly ts: number; readonly dur: number };
