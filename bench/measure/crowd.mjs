// A machine full of other processes. Below init: a signal and a burst. Beside it, as a plain subreaper: how long it
// takes to end a small tree.
import { statSync } from 'node:fs';
import { childrenOf, descendantsOf, until } from '../../test/helpers/proc.mjs';
import { subreaper } from '../candidates.mjs';
import { freshPath, helpers } from '../files.mjs';
import { withCommas } from '../numbers.mjs';
import { comesToRest } from '../observe.mjs';
import { launch, rowsOf } from '../processes.mjs';
import { signalTimes } from './signals.mjs';

const TREE = 10;

export async function measure({ record, candidates, size }) {
  const rounds = size(5, 1);
  const burst = size(1000, 100);
  for (const crowd of [0, size(10_000, 1000)]) {
    const among = `crowd: among ${withCommas(crowd)} processes`;
    await record.compare(
      {
        p50: `${among}, signal to workload p50 (µs)`,
        p99: `${among}, signal to workload p99 (µs)`,
        ms: `${among}, burst of ${withCommas(burst)} (ms)`,
      },
      { rounds, candidates: candidates.filter(({ name }) => /^(subreaper|tini)$/.test(name)), base: 'tini' },
      async ({ line }) => {
        const inCrowd = (command) => line([...withCrowd(crowd), ...command]);
        const times = await signalTimes(inCrowd, size(1000, 100));
        const [[ms]] = await rowsOf(inCrowd, 'burst', burst);
        return { ...times, ms };
      },
    );
  }

  const beside = size([0, 3000, 30_000], [0, 3000]).map((count) => ({
    name: `beside ${withCommas(count)} strangers`,
    count,
  }));
  await record.compare(
    { ms: 'crowd: second SIGTERM to the end of a small tree, as subreaper (ms)' },
    { rounds, candidates: beside, base: beside[0].name },
    ({ count }) => endBeside(count),
  );
}

/** What starts the crowd, and once it is there becomes the command behind it. */
function withCrowd(count) {
  const script = '"$0" "$1" "$2" stay & until [ -e "$1" ]; do sleep 0.02; done; shift 2; exec "$@"';
  return ['sh', '-c', script, helpers.sleepers, freshPath(), `${count}`];
}

/** The tree ignores the first SIGTERM, and its grace time is long: the second one makes init kill it. */
async function endBeside(strangers) {
  let signalledAt;
  async function signalTwice(stamp, launcherPid) {
    await until(() => statSync(stamp).size > 0, 'the tree is there');
    // The launcher has the crowd and init as its children.
    const [{ pid }] = childrenOf(launcherPid()).filter(({ name }) => name !== 'sleepers');
    await comesToRest(pid);
    process.kill(pid, 'SIGTERM');
    await comesToRest(pid);
    const left = descendantsOf(pid).length;
    if (left !== TREE) throw new Error(`${left} of ${TREE} are left after the first SIGTERM`);
    signalledAt = Number(process.hrtime.bigint()) / 1e6;
    process.kill(pid, 'SIGTERM');
  }
  const tree = (stamp) => [...subreaper('--grace', '60s'), helpers.sleepers, stamp, `${TREE}`, 'defy'];
  const { endedAt } = await launch(tree, { before: withCrowd(strangers), meanwhile: signalTwice });
  return { ms: endedAt - signalledAt };
}
