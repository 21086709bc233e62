// The memory of an init with nothing to do: alone, after a few signals, and beside a Node workload.
import { copyFileSync, mkdirSync } from 'node:fs';
import { delimiter, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { app, freshPath, helpers } from '../files.mjs';
import { readMemory } from '../observe.mjs';
import { OUT, PATH, whenIdle } from '../processes.mjs';

const SIGNALS = 5;
const SIGNAL_PAUSE_MS = 100;

export async function measure({ record, candidates, size }) {
  // No other process of the machine runs this copy of node: only processes of the container share its pages.
  const folder = freshPath();
  const node = resolve(folder, 'node');
  mkdirSync(folder);
  copyFileSync(process.execPath, node);
  const path = [folder, PATH].join(delimiter);
  const inits = candidates.map((candidate) => ({ ...candidate, path }));
  // The app as its own PID 1: bare.cjs has a child.
  const plain = { name: 'node, no init', init: [] };

  const settings = { rounds: size(3, 1), candidates: inits, base: 'bare node' };
  const settleMs = size(3000, 1500);
  await record.compare('idle alone: ', settings, (candidate) =>
    whenIdle(candidate, [helpers.sleepers, OUT, 0, 'stay'], settleMs, async ({ init }) => ({
      ...kindsOf(init),
      ...(candidate.forwards && (await afterSignals(init))),
    })),
  );
  const beside = { ...settings, candidates: [...inits, plain] };
  await record.compare('idle beside a Node workload: ', beside, (candidate) =>
    whenIdle(candidate, [node, app('app.cjs'), OUT, 'stay'], settleMs, ({ init, workload }) => ({
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
  for (let count = 0; count < SIGNALS; count++) {
    process.kill(init[0], 'SIGUSR2');
    await sleep(SIGNAL_PAUSE_MS);
  }
  return { 'resident memory after five signals (MiB)': readMemory(init, 'Rss') };
}
