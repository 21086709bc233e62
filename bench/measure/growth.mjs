// Thousands of live processes below init: does what it does with all of them grow no faster than their number?
import { setTimeout as sleep } from 'node:timers/promises';
import { helpers } from '../files.mjs';
import { asPid1, DEADLINE_MS, endBelow, launchLine, rowsOf } from '../processes.mjs';
import { withCommas } from '../statistics.mjs';

export async function measure({ record, candidates, size }) {
  const subreaper = candidates.find(({ name }) => name === 'subreaper');
  const tini = candidates.filter(({ name }) => name === 'tini');
  const withOptions = (name, ...options) => ({ name, line: (command) => subreaper.line(command, options) });
  const endings = [withOptions('SIGTERM'), withOptions('--grace 0', '--grace', '0')];
  const kernel = tini.map(({ line }) => ({ name: 'tini, the kernel', line }));
  const { counts, rounds } = size.growth;

  /** By what was measured: the count and the median of each figure. */
  const points = {};
  for (const count of counts) {
    const title = `growth: ${withCommas(count)} descendants`;
    const inRounds = (what, inits, one) =>
      record.inRounds(`${title}, ${what}`, rounds, inits, ({ line }) => one(line, count));
    const add = (what, values, base) => {
      for (const { candidate, median } of record.add(`${title}, ${what}`, 'ms', values, base)) {
        points[`${what}, ${candidate}`] ??= [];
        points[`${what}, ${candidate}`].push({ count, median });
      }
    };
    const toTree = withOptions('--scope tree', '--scope', 'tree', '--grace', '0');
    const { byInit, direct } = await inRounds('one signal to all', [toTree], signalAll);
    add('one signal to all', { ...byInit, 'kill() for each': direct?.[toTree.name] }, 'kill() for each');
    const alone = await inRounds('end of all as PID 1', [...endings, ...kernel], endAsPid1);
    add('end of all as PID 1', alone.ms, kernel[0]?.name);
    const below = await inRounds('end of all as subreaper', endings, endAsSubreaper);
    add('end of all as subreaper', below.ms);
  }
  for (const [what, own] of Object.entries(points)) {
    const [first, last] = [own[0], own.at(-1)];
    if (first === last) continue;
    // Of a power of the count.
    const exponent = Math.log(last.median / first.median) / Math.log(last.count / first.count);
    const range = `${withCommas(first.count)} to ${withCommas(last.count)}`;
    record.add(`growth: exponent from ${range}, 1 is linear`, '', { [what]: [exponent] });
  }
}

async function signalAll(line, count) {
  const [[byInit, direct]] = await rowsOf(line, 'sleepers', count, 'signal');
  if (byInit < 0) throw new Error('not all of them got the signal');
  return { byInit, direct };
}

/** The sleepers' parent, which is the workload, leaves them to init. */
const leaving = (out, count) => [helpers.sleepers, out, `${count}`, 'leave'];

/** From the workload's end until the namespace is gone, and all in it. */
function endAsPid1(line, count) {
  return asPid1(
    (out) => line(leaving(out, count)),
    async (unshare, workloadEnd) => {
      await Promise.race([unshare.closed, sleep(DEADLINE_MS, undefined, { ref: false })]);
      if (unshare.endedAt === undefined) throw new Error(`it has not ended within ${DEADLINE_MS} ms`);
      return { ms: (unshare.endedAt - Number(workloadEnd)) / 1e6 };
    },
  );
}

/** The same where another process is PID 1: init has to find those that it is to end. */
function endAsSubreaper(line, count) {
  return asPid1(
    (out) => launchLine(DEADLINE_MS, line(leaving(out, count))),
    async (unshare, workloadEnd) => ({ ms: ((await endBelow(unshare)) - Number(workloadEnd)) / 1e6 }),
  );
}
