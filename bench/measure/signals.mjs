// Signals to init as PID 1: one at a time, with thousands of processes below init, and with thousands beside it.
import { statSync } from 'node:fs';
import { childrenOf, descendantsOf, until } from '../../test/helpers/proc.mjs';
import { quantile } from '../../test/helpers/quantile.mjs';
import { subreaper } from '../candidates.mjs';
import { freshPath, helpers } from '../files.mjs';
import { short } from '../numbers.mjs';
import { comesToRest } from '../observe.mjs';
import { asPid1, launch, OUT } from '../processes.mjs';

const endings = [
  { name: 'SIGTERM', init: subreaper() },
  { name: '--grace 0', init: subreaper('--grace', '0') },
];
/** The helper signals all of them twice: through init, and by itself. */
const init = subreaper('--scope', 'tree', '--grace', '0');
const senders = ['--scope tree', 'kill() for each'].map((name, column) => ({ name, init, column }));

/** Until the workload's handler has answered. */
export async function signals({ compare, candidates, size }) {
  const forwarding = candidates.filter(({ forwards }) => forwards);
  const title = 'signal to workload: ';
  await compare(title, forwarding, { rounds: size(10, 2), base: 'tini' }, async (candidate) => {
    const us = (await asPid1(candidate, [helpers.latency, OUT, size(2000, 200), 0])).flat();
    return { 'p50 (µs)': quantile(us, 0.5), 'p99 (µs)': quantile(us, 0.99) };
  });
  const idleMs = size(3000, 500);
  await compare(title, forwarding, { rounds: size(3, 1), base: 'tini' }, async (candidate) => {
    const [[us]] = await asPid1(candidate, [helpers.latency, OUT, 1, idleMs]);
    return { [`the first, after ${idleMs / 1000} s (µs)`]: us };
  });
}

/** Does the time for what init does with all of them grow faster than their number? */
export async function growth({ compare, candidates, size }) {
  const tini = candidates.filter(({ name }) => name === 'tini');
  const kernel = tini.map((candidate) => ({ ...candidate, name: 'tini, the kernel' }));
  const rounds = size(5, 1);
  for (const count of size([1000, 3000, 10_000], [300, 1000])) {
    const title = `growth: ${short(count)} descendants, `;
    await compare(title, senders, { rounds, base: 'kill() for each' }, async ({ column, ...candidate }) => {
      const [times] = await asPid1(candidate, [helpers.sleepers, OUT, count, 'signal']);
      if (times[column] < 0) throw new Error('not all of them got the signal');
      return { 'one signal to all (ms)': times[column] };
    });
    // The sleepers' parent, which is the workload, leaves them to init.
    const endOfAll = (as, some, behind) =>
      compare(title, some, { rounds, base: 'tini, the kernel' }, async (candidate) => {
        const sleepers = [helpers.sleepers, OUT, count, 'leave'];
        const { fromWorkloadToExit } = await launch(candidate, sleepers, { behind });
        return { [`end of all as ${as} (ms)`]: fromWorkloadToExit };
      });
    await endOfAll('PID 1', [...endings, ...kernel], ['unshare', '--pid', '--fork', '--mount-proc']);
    await endOfAll('subreaper', endings, []);
  }
}

/** Below init: a signal and a burst. Beside it, as a plain subreaper: how long it takes to end a small tree. */
export async function crowd({ compare, candidates, size }) {
  const rounds = size(5, 1);
  const burst = size(1000, 100);
  const some = candidates.filter(({ name, isBase }) => /^(subreaper|tini)$/.test(name) || isBase);
  for (const count of [0, size(10_000, 1000)]) {
    const title = `crowd: among ${short(count)} processes, `;
    await compare(title, some, { rounds, base: 'tini' }, async (candidate) => {
      const inCrowd = (...command) => asPid1(candidate, [...withCrowd(count), ...command]);
      const us = (await inCrowd(helpers.latency, OUT, size(1000, 100), 0)).flat();
      const [[ms]] = await inCrowd(helpers.burst, OUT, burst);
      return {
        'signal to workload p50 (µs)': quantile(us, 0.5),
        'signal to workload p99 (µs)': quantile(us, 0.99),
        [`burst of ${short(burst)} (ms)`]: ms,
      };
    });
  }
  const counts = size([0, 3000, 30_000], [0, 3000]);
  const beside = counts.map((count) => ({ name: `beside ${short(count)} strangers`, count }));
  await compare('crowd: ', beside, { rounds, base: beside[0].name }, async ({ count }) => ({
    'second SIGTERM to the end of a small tree, as subreaper (ms)': await endBeside(count),
  }));
}

/** What starts the crowd, and once it is there becomes the command behind it. */
function withCrowd(count) {
  const script = '"$0" "$1" "$2" stay & until [ -e "$1" ]; do sleep 0.02; done; shift 2; exec "$@"';
  return ['sh', '-c', script, helpers.sleepers, freshPath(), `${count}`];
}

/** The tree ignores the first SIGTERM, and its grace time is long: the second one makes init kill it. @returns ms */
async function endBeside(strangers) {
  let signalledAt;
  async function meanwhile(stamp, pids) {
    await until(() => statSync(stamp).size > 0, 'the tree is there');
    // The launcher has the crowd and init as its children.
    const [{ pid }] = childrenOf(pids()[0]).filter(({ name }) => name !== 'sleepers');
    for (let signals = 0; signals < 2; signals++) {
      await comesToRest(pid);
      if (descendantsOf(pid).length < 10) throw new Error('not all are left after the first SIGTERM');
      signalledAt = Number(process.hrtime.bigint()) / 1e6;
      process.kill(pid, 'SIGTERM');
    }
  }
  const options = { before: withCrowd(strangers), meanwhile };
  const tree = [helpers.sleepers, OUT, 10, 'defy'];
  const { endedAt } = await launch({ init: subreaper('--grace', '60s') }, tree, options);
  return endedAt - signalledAt;
}
