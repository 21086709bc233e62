// What subreaper/register adds to an app, over an empty package that is loaded in the same way: to its start (until its
// first line), its whole run, its memory, and the delay of its event loop in a storm.
import { app, helpers } from '../files.mjs';
import { short } from '../numbers.mjs';
import { readMemory } from '../observe.mjs';
import { asPid1, launch, OUT, whenIdle } from '../processes.mjs';

const ways = ['--import', '--require'];
const bare = { name: 'node app', init: ['node'] };
/** A package is found by its own name, from its own folder. */
const preloading = (name, specifier, cwd) =>
  ways.map((way) => ({ name: `${way} ${name}`, init: ['node', way, specifier], cwd }));

export async function measure({ record, candidates, size }) {
  const builds = candidates.filter(({ folder }) => folder);
  const own = builds.flatMap(({ name, folder }) => preloading(name, 'subreaper/register', folder));
  const all = [bare, ...own, ...preloading('empty', 'empty/register', app('empty'))];
  async function compare(rounds, one) {
    const measured = await record.compare('in-process: ', { rounds, candidates: all, base: bare.name }, one);
    const over = ways.map((way) => {
      const empty = measured[`${way} empty`];
      return [way, measured[`${way} subreaper`].map((numbers, round) => difference(numbers, empty[round]))];
    });
    record.add('in-process: over an empty package, ', Object.fromEntries(over));
  }

  const rounds = size(200, 3);
  await compare(rounds, async (candidate) => {
    const { toWorkload, toExit } = await launch(candidate, [app('app.cjs'), OUT, 'once']);
    return { 'start of a CommonJS app (ms)': toWorkload, 'run of a service (ms)': toExit };
  });
  await compare(rounds, async (candidate) => {
    const { toWorkload } = await launch(candidate, [app('app.mjs'), OUT, 'once']);
    return { 'start of an ESM app (ms)': toWorkload };
  });
  const behind = ['unshare', '--pid', '--fork'];
  await compare(rounds, async (candidate) => {
    const { toExit } = await launch(candidate, [app('app.cjs'), OUT, 'once'], { behind });
    return { 'run of a service as PID 1 (ms)': toExit };
  });
  for (const [file, kind] of Object.entries({ 'app.cjs': 'a CommonJS app', 'app.mjs': 'an ESM app' })) {
    await compare(size(7, 1), (candidate) =>
      whenIdle(candidate, [app(file), OUT, 'stay'], size(1500, 500), ({ workload }) => ({
        [`anonymous memory of ${kind} as PID 1 (MiB)`]: readMemory([workload], 'Anonymous'),
      })),
    );
  }
  const imported = all.filter(({ name }) => /^(node app|--import subreaper)/.test(name));
  const settings = { rounds: size(3, 1), candidates: imported, base: bare.name };
  const storm = [app('storm.cjs'), OUT, helpers.storm, size(1000, 500), size(4, 1)];
  const title = `in-process: event-loop delay, ${short(size(1000, 500))} orphans a second, `;
  await record.compare(title, settings, async (candidate) => {
    const [[p50, p99, max, zombies]] = await asPid1(candidate, storm);
    return { 'p50 (ms)': p50, 'p99 (ms)': p99, 'max (ms)': max, 'most zombies': zombies };
  });
}

function difference(numbers, others) {
  return Object.fromEntries(Object.entries(numbers).map(([what, value]) => [what, value - others[what]]));
}
