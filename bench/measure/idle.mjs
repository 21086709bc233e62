// An init with nothing to do: its memory, and what it does all the same.
import { cpSync, mkdirSync } from 'node:fs';
import { delimiter } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { app, freshPath, helpers } from '../files.mjs';
import { countSystemCalls, readActivity, readMemory } from '../observe.mjs';
import { OUT, PATH, whenIdle } from '../processes.mjs';

const alone = [helpers.sleepers, OUT, 0, 'stay'];

/** Alone, after a few signals, and beside a Node workload. */
export async function memory({ compare, candidates, size }) {
  // No other process of the machine runs this copy of node: only processes of the container share its pages.
  const folder = freshPath();
  mkdirSync(folder);
  cpSync(process.execPath, `${folder}/node`);
  const path = [folder, PATH].join(delimiter);
  const inits = candidates.map((candidate) => ({ ...candidate, path }));
  // The app as its own PID 1: bare.cjs has a child.
  const plain = { name: 'node, no init', init: [] };
  const settings = { rounds: size(3, 1), base: 'bare node' };
  const settleMs = size(3000, 1500);
  await compare('idle alone: ', inits, settings, (candidate) =>
    whenIdle(candidate, alone, settleMs, async ({ init }) => ({
      ...kindsOf(init),
      ...(candidate.forwards && (await afterSignals(init))),
    })),
  );
  const service = [`${folder}/node`, app('app.cjs'), OUT, 'stay'];
  await compare('idle beside a Node workload: ', [...inits, plain], settings, (candidate) =>
    whenIdle(candidate, service, settleMs, ({ init, workload }) => ({
      ...kindsOf(init),
      'resident memory of the workload (MiB)': readMemory([workload], 'Rss'),
      'proportional memory of both (MiB)': readMemory([...init, workload], 'Pss'),
    })),
  );
}

function kindsOf(init) {
  const [resident, anonymous] = [readMemory(init, 'Rss'), readMemory(init, 'Anonymous')];
  return {
    'resident memory (MiB)': resident,
    'proportional memory (MiB)': readMemory(init, 'Pss'),
    'anonymous memory (MiB)': anonymous,
    'file memory (MiB)': resident - anonymous,
  };
}

/** The first signals may bring back memory that init has handed back. */
async function afterSignals(init) {
  for (let count = 0; count < 5; count++) {
    process.kill(init[0], 'SIGUSR2');
    await sleep(100);
  }
  return { 'resident memory after five signals (MiB)': readMemory(init, 'Rss') };
}

/** Threads, wake-ups and system calls. All candidates at the same time, since an idle process disturbs no other. */
export async function idle({ compare, candidates, size }) {
  const windowMs = size(20_000, 2000);
  const inAMinute = (count) => (count * 60_000) / windowMs;
  const watch = (candidate) =>
    whenIdle(candidate, alone, size(4000, 1000), async ({ init }) => {
      const before = readActivity(init);
      await sleep(windowMs);
      const after = readActivity(init);
      const systemCalls = await countSystemCalls(init, () => sleep(windowMs));
      return {
        threads: after.threads,
        'wake-ups a minute': inAMinute(after.wakeUps - before.wakeUps),
        'processor time a minute (ms)': inAMinute(after.cpuMs - before.cpuMs),
        'system calls a minute': inAMinute(systemCalls),
      };
    });
  const watched = new Map(candidates.map((candidate) => [candidate, watch(candidate)]));
  await Promise.allSettled(watched.values());
  await compare('idle: ', candidates, { rounds: 1 }, (candidate) => watched.get(candidate));
}
