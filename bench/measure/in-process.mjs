// What subreaper/register adds to an app, over an empty package that is loaded in the same way.
import { app, helpers } from '../files.mjs';
import { short } from '../numbers.mjs';
import { readMemory } from '../observe.mjs';
import { asPid1, launch, OUT, whenIdle } from '../processes.mjs';

const ways = ['--import', '--require'];
const behind = ['unshare', '--pid', '--fork'];
const bare = { name: 'node app', init: ['node'] };
const apps = { 'a CommonJS app': app('app.cjs'), 'an ESM app': app('app.mjs') };
/** A package is found by its own name, from its own folder. */
const preloading = (name, specifier, cwd) =>
  ways.map((way) => ({ name: `${way} ${name}`, init: ['node', way, specifier], cwd }));

async function inProcess({ compare, add, candidates, size }) {
  const builds = candidates.filter(({ folder }) => folder);
  const own = builds.flatMap(({ name, folder }) => preloading(name, 'subreaper/register', folder));
  const all = [bare, ...own, ...preloading('empty', 'empty/register', app('empty'))];
  async function compareAll(rounds, one) {
    const measured = await compare('in-process: ', all, { rounds, base: bare.name }, one);
    const over = (way) =>
      measured[`${way} subreaper`].map((numbers, round) => {
        const empty = measured[`${way} empty`][round];
        return Object.fromEntries(Object.keys(numbers).map((what) => [what, numbers[what] - empty[what]]));
      });
    add('in-process: over an empty package, ', Object.fromEntries(ways.map((way) => [way, over(way)])));
  }

  await compareAll(size(200, 3), async (candidate) => {
    const [commonJs, esm] = Object.values(apps).map((file) => [file, OUT, 'once']);
    const { toWorkload, toExit } = await launch(candidate, commonJs);
    return {
      'start of a CommonJS app (ms)': toWorkload,
      'run of a service (ms)': toExit,
      'start of an ESM app (ms)': (await launch(candidate, esm)).toWorkload,
      'run of a service as PID 1 (ms)': (await launch(candidate, commonJs, { behind })).toExit,
    };
  });
  for (const [kind, file] of Object.entries(apps)) {
    const what = `anonymous memory of ${kind} as PID 1 (MiB)`;
    const read = ({ workload }) => ({ [what]: readMemory([workload], 'Anonymous') });
    await compareAll(size(7, 1), (each) => whenIdle(each, [file, OUT, 'stay'], size(1500, 500), read));
  }
  const imported = all.filter(({ name }) => /^(node app|--import subreaper)/.test(name));
  const rate = size(1000, 500);
  const storm = [app('storm.cjs'), OUT, helpers.storm, rate, size(4, 1)];
  const title = `in-process: event-loop delay, ${short(rate)} orphans a second, `;
  await compare(title, imported, { rounds: size(3, 1), base: bare.name }, async (candidate) => {
    const [[p50, p99, max, zombies]] = await asPid1(candidate, storm);
    return { 'p50 (ms)': p50, 'p99 (ms)': p99, 'max (ms)': max, 'most zombies': zombies };
  });
}

export { inProcess as 'in-process' };
