// A machine full of other processes. Below init: a signal and a burst. Beside it, as a plain subreaper: how long it
// takes to end a small tree.
import { statSync } from 'node:fs';
import { childrenOf, descendantsOf, until } from '../../test/helpers/proc.mjs';
import { quantile } from '../../test/helpers/quantile.mjs';
import { subreaper } from '../candidates.mjs';
import { freshPath, helpers } from '../files.mjs';
import { short } from '../numbers.mjs';
import { comesToRest } from '../observe.mjs';
import { asPid1, launch, OUT } from '../processes.mjs';

const TREE = 10;

export async function measure({ record, candidates, size }) {
  const rounds = size(5, 1);
  const burst = size(1000, 100);
  const some = candidates.filter(({ name, isBase }) => /^(subreaper|tini)$/.test(name) || isBase);
  for (const crowd of [0, size(10_000, 1000)]) {
    const title = `crowd: among ${short(crowd)} processes, `;
    await record.compare(title, { rounds, candidates: some, base: 'tini' }, async (candidate) => {
      const inCrowd = (...command) => asPid1(candidate, [...withCrowd(crowd), ...command]);
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
  const settings = { rounds, candidates: beside, base: beside[0].name };
  await record.compare('crowd: ', settings, async ({ count }) => ({
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
    await comesToRest(pid);
    process.kill(pid, 'SIGTERM');
    await comesToRest(pid);
    const left = descendantsOf(pid).length;
    if (left !== TREE) throw new Error(`${left} of ${TREE} are left after the first SIGTERM`);
    signalledAt = Number(process.hrtime.bigint()) / 1e6;
    process.kill(pid, 'SIGTERM');
  }
  const init = subreaper('--grace', '60s');
  const tree = [helpers.sleepers, OUT, TREE, 'defy'];
  const { endedAt } = await launch({ init }, tree, { before: withCrowd(strangers), meanwhile });
  return endedAt - signalledAt;
}
