// What subreaper/register adds to an app: to its start (until its first line), to its whole run, to its memory, and to
// the delay of its event loop in a storm.
import { app, helpers } from '../files.mjs';
import { readMemory } from '../observe.mjs';
import { asPid1, launch, whenIdle } from '../processes.mjs';
import { withCommas } from '../statistics.mjs';

const base = { name: 'node app', flags: [] };
const ways = [base, ...['--import', '--require'].map((flag) => withFlag(flag, 'subreaper/register'))];
/** What node itself takes to load anything before an app. */
const floors = [
  { ...withFlag('--import', app('empty.mjs')), name: '--import an empty file' },
  { ...withFlag('--require', app('empty.cjs')), name: '--require an empty file' },
];
const kinds = { cjs: 'a CommonJS app', mjs: 'an ESM app' };

function withFlag(...flags) {
  return { name: flags.join(' '), flags };
}

export async function measure({ record, size }) {
  const { rounds, memoryRounds, settleMs } = size.inProcess;
  /** Adds the figures of a metric, and what each way adds to the plain app, round by round. */
  async function compare(title, unit, metric, rounds, ways, one) {
    const measured = await record.inRounds(`in-process ${title}`, rounds, ways, ({ flags }) => one(flags));
    const { [base.name]: plain, ...others } = measured[metric] ?? {};
    record.add(`in-process: ${title}`, unit, measured[metric], base.name);
    const added = Object.entries(others).map(([name, own]) => [
      name,
      own.map((value, round) => value - plain?.[round]),
    ]);
    record.add(`in-process: added to the ${title}`, unit, Object.fromEntries(added));
  }

  for (const [extension, kind] of Object.entries(kinds)) {
    await compare(`start of ${kind}`, 'ms', 'toWorkload', rounds, [...ways, ...floors], (flags) =>
      launch((stamp) => ['node', ...flags, app(`first-line.${extension}`), stamp]),
    );
  }
  const run = (before) => (flags) => launch(() => [...before, 'node', ...flags, app('http.cjs')]);
  const asPid1Too = run(['unshare', '--pid', '--fork']);
  await compare('run of a service', 'ms', 'toExit', rounds, ways, run([]));
  await compare('run of a service as PID 1', 'ms', 'toExit', rounds, ways, asPid1Too);
  for (const [extension, kind] of Object.entries(kinds)) {
    const title = `anonymous memory of ${kind} as PID 1`;
    await compare(title, 'MiB', 'anonymous', memoryRounds, ways, (flags) =>
      whenIdle(
        (out) => ['node', ...flags, app(`http.${extension}`), out],
        settleMs,
        ({ pid }) => readMemory(pid),
      ),
    );
  }
  await measureDelay(record, size.storm);
}

async function measureDelay(record, { rate, seconds, rounds }) {
  const values = await record.inRounds('in-process storm', rounds, ways.slice(0, 2), ({ flags }) =>
    asPid1(
      (out) => ['node', ...flags, app('storm.cjs'), out, helpers.storm, `${rate}`, `${seconds}`],
      (_, text) => JSON.parse(text),
    ),
  );
  const group = `in-process: event-loop delay, ${withCommas(rate)} orphans a second`;
  for (const part of ['p50', 'p99', 'max']) record.add(`${group}, ${part}`, 'ms', values[part], base.name);
  record.add(`${group}, most zombies`, '', values.zombies);
}
