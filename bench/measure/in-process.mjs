// What subreaper/register adds to an app: to its start (until its first line), to its whole run, to its memory, and to
// the delay of its event loop in a storm.
import { setTimeout as sleep } from 'node:timers/promises';
import { app, helpers } from '../files.mjs';
import { readMemory } from '../observe.mjs';
import { asPid1, initPidOf, launch } from '../processes.mjs';

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

export async function measure({ record, size }) {
  const { rounds, memoryRounds, settleMs } = size.inProcess;
  for (const [extension, kind] of Object.entries(kinds)) {
    const title = `start of ${kind}`;
    const values = await record.inRounds(`in-process ${title}`, rounds, [...ways, ...floors], ({ flags }) =>
      launch((fifo) => ['node', ...flags, app(`first-line.${extension}`), fifo]),
    );
    addWithDifferences(record, title, 'ms', values.toWorkload);
  }
  for (const [as, before] of [
    ['', []],
    [' as PID 1', ['unshare', '--pid', '--fork']],
  ]) {
    const title = `run of a service${as}`;
    const values = await record.inRounds(`in-process ${title}`, rounds, ways, ({ flags }) =>
      launch(() => [...before, 'node', ...flags, app('http.cjs')]),
    );
    addWithDifferences(record, title, 'ms', values.toExit);
  }
  for (const [extension, kind] of Object.entries(kinds)) {
    const title = `anonymous memory of ${kind} as PID 1`;
    const values = await record.inRounds(`in-process ${title}`, memoryRounds, ways, ({ flags }) =>
      asPid1(
        (out) => ['node', ...flags, app(`http.${extension}`), out],
        async (unshare) => {
          await sleep(settleMs);
          return readMemory(initPidOf(unshare));
        },
      ),
    );
    addWithDifferences(record, title, 'MiB', values.anonymous);
  }
  await measureDelay(record, size.storm);
}

/** Adds the figures, and what each way adds to the plain app, round by round. */
function addWithDifferences(record, title, unit, values = {}) {
  record.add(`in-process: ${title}`, unit, values, base);
  const { [base]: plain, ...others } = values;
  const added = Object.entries(others).map(([name, own]) => [
    name,
    own.map((value, round) => value - plain?.[round]),
  ]);
  record.add(`in-process: added to the ${title}`, unit, Object.fromEntries(added));
}

async function measureDelay(record, { rate, seconds, rounds }) {
  const values = await record.inRounds('in-process storm', rounds, ways.slice(0, 2), ({ flags }) =>
    asPid1(
      (out) => ['node', ...flags, app('storm.cjs'), helpers.storm, `${rate}`, `${seconds}`, out],
      (_, text) => JSON.parse(text),
    ),
  );
  const group = `in-process: event-loop delay, ${rate.toLocaleString('en-US')} orphans a second`;
  for (const part of ['p50', 'p99', 'max']) record.add(`${group}, ${part}`, 'ms', values[part], base);
  record.add(`${group}, most zombies`, '', values.zombies);
}
