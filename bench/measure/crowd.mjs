// A machine full of other processes. Below init: a signal and a burst. Beside it, as a plain subreaper: how long it
// takes to end a small tree.
import { readFileSync, writeFileSync } from 'node:fs';
import { childrenOf, descendantsOf, until } from '../../test/helpers/proc.mjs';
import { freshPath, helpers } from '../files.mjs';
import { watchActivity } from '../observe.mjs';
import { asPid1, DEADLINE_MS, initPidOf, rowsOf } from '../processes.mjs';
import { quantile } from '../statistics.mjs';

const PID_MAX = '/proc/sys/kernel/pid_max';
const TREE = 10;

export async function measure({ record, candidates, size }) {
  const { count, rounds, signals, burst, strangers } = size.crowd;
  const both = candidates.filter(({ name }) => name === 'subreaper' || name === 'tini');
  for (const crowd of [0, count]) {
    const group = `crowd: among ${crowd.toLocaleString('en-US')} processes`;
    const { p50, p99, ms } = await record.inRounds(group, rounds, both, async ({ line }) => {
      const inCrowd = (...helper) => rowsOf((out) => line(withCrowd(crowd, [...helper, out])));
      const us = (await inCrowd(helpers.latency, `${signals}`)).flat();
      const [[ms]] = await inCrowd(helpers.burst, `${burst}`);
      return { p50: quantile(us, 0.5), p99: quantile(us, 0.99), ms };
    });
    record.add(`${group}, signal to workload p50`, 'µs', p50, 'tini');
    record.add(`${group}, signal to workload p99`, 'µs', p99, 'tini');
    record.add(`${group}, burst of ${burst.toLocaleString('en-US')}`, 'ms', ms, 'tini');
  }

  const { line } = candidates.find(({ name }) => name === 'subreaper');
  const beside = strangers.map((count) => ({
    name: `beside ${count.toLocaleString('en-US')} strangers`,
    count,
  }));
  const group = 'crowd: second SIGTERM to the end of a small tree, as subreaper';
  const restore = makeRoomForPids(strangers.at(-1));
  const { ms } = await record.inRounds(group, rounds, beside, ({ count }) => endBeside(line, count));
  restore();
  record.add(group, 'ms', ms, beside[0].name);
}

/** A line that starts the crowd, and once it is there becomes the command. */
function withCrowd(count, command) {
  const script = '"$0" "$1" stay "$2" & while [ ! -e "$2" ]; do sleep 0.02; done; shift 2; exec "$@"';
  return ['sh', '-c', script, helpers.sleepers, `${count}`, freshPath(), ...command];
}

/** The tree ignores the first SIGTERM, and its grace time is long: the second one makes init kill it. */
function endBeside(line, strangers) {
  const limits = [`${DEADLINE_MS}`, `${DEADLINE_MS}`];
  return asPid1(
    (out) => {
      const init = line([helpers.sleepers, `${TREE}`, 'defy', out], ['--grace', '60s']);
      return withCrowd(strangers, [helpers.launch, freshPath(), ...limits, ...init]);
    },
    async (unshare) => {
      // The launcher has the crowd and init as its children.
      const [{ pid }] = childrenOf(initPidOf(unshare)).filter(({ name }) => name !== 'sleepers');
      await comesToRest(pid);
      process.kill(pid, 'SIGTERM');
      await comesToRest(pid);
      const left = descendantsOf(pid).length;
      if (left !== TREE) throw new Error(`${left} of ${TREE} are left after the first SIGTERM`);
      const signalled = process.hrtime.bigint();
      process.kill(pid, 'SIGTERM');
      await until(() => unshare.output.endsWith('\n'), 'init ends', DEADLINE_MS);
      const [, toExit, startedAt] = unshare.output.split(' ').map(BigInt);
      return { ms: Number(startedAt + toExit - signalled) / 1e6 };
    },
  );
}

/** Resolves when init has done what a signal, or a death, makes it do. */
async function comesToRest(pid) {
  while ((await watchActivity([pid], 300)).cpuMs > 0);
}

/** The usual 32,768 pids are too few for 30,000 strangers. Only root may have more. @returns puts it back */
function makeRoomForPids(strangers) {
  const before = readFileSync(PID_MAX, 'utf8');
  const restore = () => {
    process.off('exit', restore);
    writeFileSync(PID_MAX, before);
  };
  if (strangers < before / 2 || process.getuid() !== 0) return () => {};
  writeFileSync(PID_MAX, '4194304');
  process.once('exit', restore);
  return restore;
}
