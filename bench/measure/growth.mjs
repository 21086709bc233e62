// Thousands of live processes below init: does what it does with all of them grow no faster than their number?
import { setTimeout as sleep } from 'node:timers/promises';
import { helpers } from '../files.mjs';
import { watchActivity } from '../observe.mjs';
import { asPid1, DEADLINE_MS, initPidOf, launch, rowsOf } from '../processes.mjs';

export async function measure({ record, candidates, size }) {
  const subreaper = candidates.find(({ name }) => name === 'subreaper');
  const tini = candidates.find(({ name }) => name === 'tini');
  const { counts, rounds, windowMs } = size.growth;
  const asking = { name: 'SIGTERM', line: subreaper.line };
  const killing = { name: '--grace 0', line: (command) => subreaper.line(command, ['--grace', '0']) };
  const kernel = tini && { name: 'tini, the kernel', line: tini.line };
  const waiting = { name: '--until all', line: (command) => subreaper.line(command, ['--until', 'all']) };

  /** By what was measured: the count and the median of each figure. */
  const points = {};
  for (const count of counts) {
    const title = `growth: ${count.toLocaleString('en-US')} descendants`;
    const sleepers = (...args) => [helpers.sleepers, `${count}`, ...args];
    const inRounds = (what, inits, one) =>
      record.inRounds(`${title}, ${what}`, rounds, inits.filter(Boolean), ({ line }) => one(line, sleepers));
    const add = (what, values, base) => {
      for (const { candidate, median } of record.add(`${title}, ${what}`, 'ms', values, base)) {
        points[`${what}, ${candidate}`] ??= [];
        points[`${what}, ${candidate}`].push({ count, median });
      }
    };
    const signal = await inRounds('one signal to all', [subreaper], signalAll);
    const both = { '--scope tree': signal.byInit?.subreaper, 'kill() for each': signal.direct?.subreaper };
    add('one signal to all', both, 'kill() for each');
    const ended = await inRounds('end of all as PID 1', [asking, killing, kernel], endAsPid1);
    add('end of all as PID 1', ended.ms, 'tini, the kernel');
    const below = await inRounds('end of all as subreaper', [asking, killing], endAsSubreaper);
    add('end of all as subreaper', below.ms);

    const { wakeUps, cpuMs } = await record.atOnce(`${title}, waiting`, [waiting], ({ line }) =>
      watchWaiting(line, sleepers, windowMs),
    );
    const group = `growth: --until all, ${count.toLocaleString('en-US')} descendants`;
    record.add(group, '', { 'wake-ups a minute': wakeUps?.[waiting.name] });
    record.add(group, 'ms', { 'processor time a minute': cpuMs?.[waiting.name] });
  }
  for (const [what, own] of Object.entries(points)) {
    const [first, last] = [own[0], own.at(-1)];
    if (first === last) continue;
    const range = `${first.count.toLocaleString('en-US')} to ${last.count.toLocaleString('en-US')}`;
    // Of a power of the count.
    const exponent = Math.log(last.median / first.median) / Math.log(last.count / first.count);
    record.add(`growth: exponent from ${range}, 1 is linear`, '', { [what]: [exponent] });
  }
}

async function signalAll(line, sleepers) {
  const makeLine = (out) => line(sleepers('signal', out, '1'), ['--scope', 'tree', '--grace', '0']);
  const [[byInit, direct]] = await rowsOf(makeLine);
  if (byInit < 0) throw new Error('not all of them got the signal');
  return { byInit, direct };
}

/** From the workload's end until the namespace is gone, and all in it. */
function endAsPid1(line, sleepers) {
  return asPid1(
    (out) => line(sleepers('leave', out)),
    async (unshare, workloadEnd) => {
      await Promise.race([unshare.closed, sleep(DEADLINE_MS, undefined, { ref: false })]);
      if (unshare.ended === undefined) throw new Error(`it has not ended within ${DEADLINE_MS} ms`);
      return { ms: Number(unshare.ended - BigInt(workloadEnd)) / 1e6 };
    },
  );
}

/** The same where another process is PID 1: init has to find those that it is to end. */
async function endAsSubreaper(line, sleepers) {
  const limits = { workloadMs: DEADLINE_MS, exitMs: DEADLINE_MS };
  const { toWorkload, toExit } = await launch((fifo) => line(sleepers('leave', fifo)), limits);
  if (toWorkload === undefined || toExit === undefined)
    throw new Error(`it has not ended within ${DEADLINE_MS} ms`);
  return { ms: toExit - toWorkload };
}

/** The workload has ended, all others live: does init stay asleep? */
function watchWaiting(line, sleepers, windowMs) {
  return asPid1(
    (out) => line(sleepers('leave', out)),
    async (unshare) => {
      await sleep(1000);
      return watchActivity([initPidOf(unshare)], windowMs);
    },
  );
}
