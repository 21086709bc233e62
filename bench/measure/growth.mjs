// Thousands of live processes below init: does what it does with all of them grow no faster than their number?
import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { figuresOf } from '../figures.mjs';
import { freshPath } from '../paths.mjs';
import { initPidOf, launch, readActivity, resultOf, startAsPid1, waitForResult } from '../processes.mjs';
import { inRounds } from '../rounds.mjs';
import { growthExponent } from '../statistics.mjs';

const END_MS = 60_000;
/** What the operations are shown as: the group, and the name in it. */
const kinds = {
  signal: ['one signal to all', '--scope tree'],
  direct: ['one signal to all', 'kill() for each'],
  end: ['end of all as PID 1', 'SIGTERM'],
  kill: ['end of all as PID 1', '--grace 0'],
  kernel: ['end of all as PID 1', 'tini, the kernel'],
  endBelow: ['end of all as subreaper', 'SIGTERM'],
  killBelow: ['end of all as subreaper', '--grace 0'],
};

const bases = { 'one signal to all': 'kill() for each', 'end of all as PID 1': 'tini, the kernel' };

export async function measure({ candidates, helpers, size, progress }) {
  const subreaper = candidates.find(({ name }) => name === 'subreaper');
  const tini = candidates.find(({ name }) => name === 'tini');
  const { counts, rounds, windowMs } = size.growth;
  const figures = [];
  const failures = [];
  const points = {};
  for (const count of counts) {
    const sleepers = (...args) => [helpers.sleepers, `${count}`, ...args];
    const ways = [
      { name: 'signal', run: () => signalAll(subreaper, sleepers) },
      { name: 'end', run: () => endAll(subreaper.line, sleepers) },
      { name: 'kill', run: () => endAll((command) => subreaper.line(command, ['--grace', '0']), sleepers) },
      ...(tini ? [{ name: 'kernel', run: () => endAll(tini.line, sleepers) }] : []),
      { name: 'endBelow', run: () => endBelow(helpers, subreaper, sleepers, []) },
      { name: 'killBelow', run: () => endBelow(helpers, subreaper, sleepers, ['--grace', '0']) },
    ];
    const run = await inRounds({
      title: `${count} descendants`,
      rounds,
      candidates: ways,
      progress,
      measure: ({ run }) => run(),
    });
    failures.push(
      ...run.failures.map(({ candidate, reason }) => ({ candidate: kinds[candidate].join(', '), reason })),
    );
    const grown = figuresOfKinds(count, run.values);
    for (const { group, candidate, median } of grown) {
      const name = `${group.replace(/^.* descendants, /, '')}, ${candidate}`;
      points[name] ??= [];
      points[name].push({ count, value: median });
    }
    figures.push(...grown);
    try {
      progress.show(`growth: --until all, ${count} descendants`);
      figures.push(...(await untilAll(subreaper, sleepers, windowMs, count)));
    } catch (error) {
      failures.push({ candidate: '--until all', reason: error.message });
    }
  }
  for (const [kind, own] of Object.entries(points)) {
    if (own.length < 2) continue;
    const range = `${own[0].count.toLocaleString('en-US')} to ${own.at(-1).count.toLocaleString('en-US')}`;
    const group = `growth: exponent from ${range}, 1 is linear`;
    figures.push(...figuresOf(group, '', { [kind]: [growthExponent(own)] }));
  }
  return { figures, failures };
}

function figuresOfKinds(count, { ms = {}, direct = {} }) {
  const values = { ...ms, direct: direct.signal ?? [] };
  const groups = new Set(Object.values(kinds).map(([group]) => group));
  return [...groups].flatMap((group) => {
    const own = Object.entries(kinds)
      .filter(([kind, [ownGroup]]) => ownGroup === group && values[kind] !== undefined)
      .map(([kind, [, name]]) => [name, values[kind]]);
    const title = `growth: ${count.toLocaleString('en-US')} descendants, ${group}`;
    return figuresOf(title, 'ms', Object.fromEntries(own), bases[group]);
  });
}

async function signalAll(subreaper, sleepers) {
  const out = freshPath('sleepers');
  const line = subreaper.line(sleepers('signal', out, '1'), ['--scope', 'tree', '--grace', '0']);
  const [ms, direct] = (await resultOf(line, out)).split(' ').map(Number);
  if (ms < 0) throw new Error('not all of them got the signal');
  return { ms, direct };
}

/** From the workload's end until the namespace is gone, and all in it. */
async function endAll(line, sleepers) {
  const out = freshPath('sleepers');
  const init = startAsPid1(line(sleepers('leave', out)));
  try {
    const workloadEnd = BigInt(await waitForResult(init, out, END_MS));
    await Promise.race([init.closed, sleep(END_MS, undefined, { ref: false })]);
    if (init.ended === undefined) throw new Error(`it has not ended within ${END_MS} ms`);
    return { ms: Number(init.ended - workloadEnd) / 1e6 };
  } finally {
    await init.end();
    rmSync(out, { force: true });
  }
}

/** The same where another process is PID 1: init has to find those that it is to end. */
async function endBelow(helpers, subreaper, sleepers, options) {
  const { toWorkload, toExit } = await launch(
    helpers,
    (fifo) => subreaper.line(sleepers('leave', fifo), options),
    {
      workloadMs: END_MS,
      exitMs: END_MS,
    },
  );
  if (toWorkload === undefined || toExit === undefined)
    throw new Error(`it has not ended within ${END_MS} ms`);
  return { ms: toExit - toWorkload };
}

/** The workload has ended, all others live: does init stay asleep? */
async function untilAll(subreaper, sleepers, windowMs, count) {
  const out = freshPath('sleepers');
  const init = startAsPid1(subreaper.line(sleepers('leave', out), ['--until', 'all']));
  try {
    await waitForResult(init, out, END_MS);
    await sleep(1000);
    const pid = initPidOf(init);
    const before = readActivity(pid);
    await sleep(windowMs);
    const after = readActivity(pid);
    const aMinute = 60_000 / windowMs;
    const group = `growth: --until all, ${count.toLocaleString('en-US')} descendants`;
    return [
      ...figuresOf(group, '', { 'wake-ups a minute': [(after.wakeUps - before.wakeUps) * aMinute] }),
      ...figuresOf(group, 'ms', { 'processor time a minute': [(after.cpuMs - before.cpuMs) * aMinute] }),
    ];
  } finally {
    await init.end();
    rmSync(out, { force: true });
  }
}
