// What subreaper/register adds to an app, over an empty package that is loaded in the same way: to its start (until its
// first line), its whole run, its memory, and the delay of its event loop in a storm.
import { app, helpers, root } from '../files.mjs';
import { withCommas } from '../numbers.mjs';
import { readMemory } from '../observe.mjs';
import { asPid1, launch, whenIdle } from '../processes.mjs';

const ways = ['--import', '--require'];
const base = { name: 'node app', flags: [], folder: root };
// Each package is found by its own name, from its own folder.
const preloading = (name, folder) =>
  ways.map((way) => ({ name: `${way} ${name}`, flags: [way, `${name}/register`], folder }));
const all = [base, ...preloading('subreaper', root), ...preloading('empty', app('empty'))];

export async function measure({ record, size }) {
  async function compare(what, unit, rounds, one) {
    const settings = { rounds, candidates: all, base: base.name };
    const { value } = await record.compare({ value: `in-process: ${what} (${unit})` }, settings, one);
    const over = ways.map((way) => {
      const empty = value[`${way} empty`];
      return [way, value[`${way} subreaper`]?.map((own, round) => own - empty?.[round]) ?? []];
    });
    record.add(`in-process: over an empty package, ${what} (${unit})`, Object.fromEntries(over));
  }

  const rounds = size(200, 3);
  const kinds = Object.entries({ cjs: 'a CommonJS app', mjs: 'an ESM app' });
  for (const [extension, kind] of kinds) {
    await compare(`start of ${kind}`, 'ms', rounds, async ({ flags, folder }) => {
      const line = (stamp) => ['node', ...flags, app(`app.${extension}`), stamp];
      return { value: (await launch(line, { before: ['env', '-C', folder] })).toWorkload };
    });
    await compare(`anonymous memory of ${kind} as PID 1`, 'MiB', size(7, 1), ({ flags, folder }) =>
      whenIdle(
        (out) => ['env', '-C', folder, 'node', ...flags, app(`app.${extension}`), out, 'stay'],
        size(1500, 500),
        ({ workload }) => ({ value: readMemory(workload).anonymous }),
      ),
    );
  }
  for (const [as, namespace] of Object.entries({ '': [], ' as PID 1': ['unshare', '--pid', '--fork'] })) {
    await compare(`run of a service${as}`, 'ms', rounds, async ({ flags, folder }) => {
      const line = (stamp) => [...namespace, 'node', ...flags, app('app.cjs'), stamp, 'once'];
      return { value: (await launch(line, { before: ['env', '-C', folder] })).toExit };
    });
  }
  const rate = size(1000, 500);
  const delay = `in-process: event-loop delay, ${withCommas(rate)} orphans a second`;
  await record.compare(
    {
      ...Object.fromEntries(['p50', 'p99', 'max'].map((part) => [part, `${delay}, ${part} (ms)`])),
      zombies: `${delay}, most zombies`,
    },
    { rounds: size(3, 1), candidates: all.slice(0, 2), base: base.name },
    ({ flags }) =>
      asPid1(
        (out) => ['node', ...flags, app('storm.cjs'), out, helpers.storm, `${rate}`, `${size(4, 1)}`],
        async ({ result }) => JSON.parse(await result()),
      ),
  );
}
