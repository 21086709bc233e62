// A machine full of other processes. Below init: a signal and a burst. Beside it, as a plain subreaper: how long it
// takes to end a small tree.
import { machinePidMax, raiseMachinePidMax } from '../../test/helpers/namespace.mjs';
import { childrenOf, descendantsOf } from '../../test/helpers/proc.mjs';
import { freshPath, helpers } from '../files.mjs';
import { watchActivity } from '../observe.mjs';
import { asPid1, DEADLINE_MS, endBelow, initPidOf, launchLine, rowsOf } from '../processes.mjs';
import { quantile, withCommas } from '../statistics.mjs';

const TREE = 10;

export async function measure({ record, candidates, size }) {
  const { count, rounds, signals, burst, strangers } = size.crowd;
  const both = candidates.filter(({ name }) => name === 'subreaper' || name === 'tini');
  for (const crowd of [0, count]) {
    const group = `crowd: among ${withCommas(crowd)} processes`;
    const { p50, p99, ms } = await record.inRounds(group, rounds, both, async ({ line }) => {
      const inCrowd = (command) => line(withCrowd(crowd, command));
      const us = (await rowsOf(inCrowd, 'latency', signals, 0)).flat();
      const [[ms]] = await rowsOf(inCrowd, 'burst', burst);
      return { p50: quantile(us, 0.5), p99: quantile(us, 0.99), ms };
    });
    record.add(`${group}, signal to workload p50`, 'µs', p50, 'tini');
    record.add(`${group}, signal to workload p99`, 'µs', p99, 'tini');
    record.add(`${group}, burst of ${withCommas(burst)}`, 'ms', ms, 'tini');
  }

  const { line } = candidates.find(({ name }) => name === 'subreaper');
  const beside = strangers.map((count) => ({ name: `beside ${withCommas(count)} strangers`, count }));
  const group = 'crowd: second SIGTERM to the end of a small tree, as subreaper';
  // The usual 32,768 pids are too few for 30,000 strangers. Only root may have more.
  const needsMore = strangers.at(-1) > machinePidMax() / 2 && process.getuid() === 0;
  const restore = needsMore ? raiseMachinePidMax() : () => {};
  const { ms } = await record.inRounds(group, rounds, beside, ({ count }) => endBeside(line, count));
  restore();
  record.add(group, 'ms', ms, beside[0].name);
}

/** A line that starts the crowd, and once it is there becomes the command. */
function withCrowd(count, command) {
  const script = '"$0" "$1" "$2" stay & while [ ! -e "$1" ]; do sleep 0.02; done; shift 2; exec "$@"';
  return ['sh', '-c', script, helpers.sleepers, freshPath(), `${count}`, ...command];
}

/** The tree ignores the first SIGTERM, and its grace time is long: the second one makes init kill it. */
function endBeside(line, strangers) {
  return asPid1(
    (out) => {
      const init = line([helpers.sleepers, out, `${TREE}`, 'defy'], ['--grace', '60s']);
      return withCrowd(strangers, launchLine(DEADLINE_MS, init));
    },
    async (unshare) => {
      // The launcher has the crowd and init as its children.
      const [{ pid }] = childrenOf(initPidOf(unshare)).filter(({ name }) => name !== 'sleepers');
      await comesToRest(pid);
      process.kill(pid, 'SIGTERM');
      await comesToRest(pid);
      const left = descendantsOf(pid).length;
      if (left !== TREE) throw new Error(`${left} of ${TREE} are left after the first SIGTERM`);
      const signalledAt = Number(process.hrtime.bigint());
      process.kill(pid, 'SIGTERM');
      return { ms: ((await endBelow(unshare)) - signalledAt) / 1e6 };
    },
  );
}

/** Resolves when init has done what a signal, or a death, makes it do. */
async function comesToRest(pid) {
  while ((await watchActivity([pid], 300)).cpuMs > 0);
}
