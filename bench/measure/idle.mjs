// An init with nothing to do: its threads, wake-ups and system calls. All candidates at the same time: what is idle
// does not disturb another.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { figuresOf, noteOf } from '../figures.mjs';
import { freshPath } from '../paths.mjs';
import {
  initPidOf,
  readActivity,
  splitProcesses,
  start,
  startAsPid1,
  sum,
  waitForResult,
} from '../processes.mjs';

const MINUTE_MS = 60_000;
/** What strace's own attaching makes a process do is over by then. */
const ATTACH_MS = 1000;

export async function measure({ candidates, helpers, size, progress }) {
  const { settleMs, windowMs, straceMs } = size.idle;
  const failures = [];
  progress.show('idle: wake-ups');
  const inits = candidates.map(({ name, line }) => {
    const out = freshPath('idle');
    return { name, out, init: startAsPid1(line([helpers.sleepers, '0', 'stay', out])) };
  });
  try {
    const idle = [];
    for (const { name, init, out } of inits) {
      try {
        await waitForResult(init, out);
        idle.push({ name, init });
      } catch (error) {
        failures.push({ candidate: name, reason: `idle: ${error.message}` });
      }
    }
    await sleep(settleMs);
    const watched = idle.map(({ name, init }) => ({
      name,
      pids: splitProcesses(initPidOf(init), helpers.sleepers).init,
    }));
    const activity = await watchActivity(watched, windowMs);
    progress.show('idle: system calls');
    return { figures: [...activity, ...(await countSystemCalls(watched, straceMs))], failures };
  } finally {
    await Promise.all(inits.map(({ init }) => init.end()));
  }
}

async function watchActivity(watched, windowMs) {
  const look = () => watched.map(({ pids }) => sum(pids.map(readActivity)));
  const before = look();
  await sleep(windowMs);
  const after = look();
  const grown = (key) =>
    byName(watched, (index) => ((after[index][key] - before[index][key]) * MINUTE_MS) / windowMs);
  return [
    ...figuresOf(
      'idle: threads',
      '',
      byName(watched, (index) => after[index].threads),
    ),
    ...figuresOf('idle: wake-ups a minute', '', grown('wakeUps')),
    ...figuresOf('idle: processor time a minute', 'ms', grown('cpuMs')),
  ];
}

/** A log and not strace's own count: that has what attaching does in it. */
async function countSystemCalls(watched, straceMs) {
  const group = 'idle: system calls a minute';
  const from = (Date.now() + ATTACH_MS) / 1000;
  const traces = watched.map(({ name, pids }) => {
    const log = freshPath('strace');
    return { name, log, strace: start(['strace', '-f', '-ttt', '-o', log, '-p', pids.join(',')]) };
  });
  await sleep(ATTACH_MS + straceMs);
  const figures = [];
  for (const { name, log, strace } of traces) {
    const isOver = strace.pid === undefined || strace.ended !== undefined;
    await strace.end();
    if (isOver || !existsSync(log)) {
      figures.push(noteOf(group, name, strace.log.trim().split('\n').at(-1) || 'strace failed'));
      continue;
    }
    const calls = readFileSync(log, 'latin1')
      .split('\n')
      .filter((line) => Number(/^\d+ +(\d+\.\d+) \w+\(/.exec(line)?.[1]) >= from);
    figures.push(...figuresOf(group, '', { [name]: [(calls.length * MINUTE_MS) / straceMs] }));
    rmSync(log);
  }
  return figures;
}

function byName(watched, countAt) {
  return Object.fromEntries(watched.map(({ name }, index) => [name, [countAt(index)]]));
}
