// What subreaper/register adds to an app: to its start (until its first line), to its whole run, to its memory, and to
// the delay of its event loop in a storm.
import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { figuresOf } from '../figures.mjs';
import { app, freshPath } from '../paths.mjs';
import { initPidOf, launch, readMemory, resultOf, startAsPid1, waitForResult } from '../processes.mjs';
import { inRounds } from '../rounds.mjs';

const base = 'node app';
const ways = [
  { name: base, flags: [] },
  { name: '--import subreaper/register', flags: ['--import', 'subreaper/register'] },
  { name: '--require subreaper/register', flags: ['--require', 'subreaper/register'] },
];
/** What node itself takes to load anything before an app. */
const floors = [
  { name: '--import an empty file', flags: ['--import', app('empty.mjs')] },
  { name: '--require an empty file', flags: ['--require', app('empty.cjs')] },
];
const kinds = { cjs: 'a CommonJS app', mjs: 'an ESM app' };

export async function measure({ helpers, size, progress }) {
  const { rounds, memoryRounds, settleMs } = size.inProcess;
  const figures = [];
  const failures = [];
  const add = (title, unit, values) => {
    figures.push(
      ...figuresOf(`in-process: ${title}`, unit, values ?? {}, base),
      ...added(`in-process: added to the ${title}`, unit, values),
    );
  };
  for (const [extension, kind] of Object.entries(kinds)) {
    const run = await inRounds({
      title: `in-process start of ${kind}`,
      rounds,
      candidates: [...ways, ...floors],
      progress,
      measure: ({ flags }) =>
        launch(helpers, (fifo) => ['node', ...flags, app(`first-line.${extension}`), fifo]),
    });
    add(`start of ${kind}`, 'ms', run.values.toWorkload);
    failures.push(...run.failures);
  }
  for (const { before, as } of [
    { before: [], as: '' },
    { before: ['unshare', '--pid', '--fork'], as: ' as PID 1' },
  ]) {
    const run = await inRounds({
      title: `in-process run of a service${as}`,
      rounds,
      candidates: ways,
      progress,
      measure: ({ flags }) => launch(helpers, () => [...before, 'node', ...flags, app('http.cjs')]),
    });
    add(`run of a service${as}`, 'ms', run.values.toExit);
    failures.push(...run.failures);
  }
  for (const [extension, kind] of Object.entries(kinds)) {
    const memory = await inRounds({
      title: `in-process memory of ${kind}`,
      rounds: memoryRounds,
      candidates: ways,
      progress,
      measure: async ({ flags }) => {
        const out = freshPath('http');
        const service = startAsPid1(['node', ...flags, app(`http.${extension}`), out]);
        try {
          await waitForResult(service, out);
          await sleep(settleMs);
          return readMemory(initPidOf(service));
        } finally {
          await service.end();
          rmSync(out, { force: true });
        }
      },
    });
    add(`anonymous memory of ${kind} as PID 1`, 'MiB', memory.values.anonymous);
    failures.push(...memory.failures);
  }
  const storm = await measureStorm({ helpers, size, progress });
  return {
    figures: [...figures, ...storm.figures],
    failures: [...failures, ...storm.failures],
  };
}

/** The differences, round by round. */
function added(group, unit, values = {}) {
  const differences = Object.entries(values)
    .filter(([name]) => name !== base)
    .map(([name, own]) => [name, own.map((value, round) => value - values[base][round])]);
  return figuresOf(group, unit, Object.fromEntries(differences));
}

async function measureStorm({ helpers, size, progress }) {
  const { rate, seconds, rounds } = size.storm;
  const { values, failures } = await inRounds({
    title: 'in-process storm',
    rounds,
    candidates: ways.slice(0, 2),
    progress,
    measure: async ({ flags }) => {
      const out = freshPath('storm');
      const line = ['node', ...flags, app('storm.cjs'), helpers.storm, `${rate}`, `${seconds}`, out];
      try {
        return JSON.parse(await resultOf(line, out));
      } finally {
        rmSync(`${out}.storm`, { force: true });
      }
    },
  });
  const group = `in-process: event-loop delay, ${rate.toLocaleString('en-US')} orphans a second`;
  return {
    figures: [
      ...figuresOf(`${group}, p50`, 'ms', values.p50 ?? {}, base),
      ...figuresOf(`${group}, p99`, 'ms', values.p99 ?? {}, base),
      ...figuresOf(`${group}, max`, 'ms', values.max ?? {}, base),
      ...figuresOf(`${group}, most zombies`, '', values.zombies ?? {}),
    ],
    failures,
  };
}
