// The memory of an init with nothing to do: alone, after a few signals, and beside a Node workload.
import { copyFileSync, mkdirSync } from 'node:fs';
import { delimiter, dirname, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { app, build, helpers } from '../files.mjs';
import { readMemory, sum } from '../observe.mjs';
import { PATH, whenIdle } from '../processes.mjs';

const SIGNALS = 5;
const SIGNAL_PAUSE_MS = 100;
/** The app as its own PID 1: bare.cjs has a child. */
const plain = { name: 'node, no init', line: (command) => command };

export async function measure({ record, candidates, size }) {
  const settings = { rounds: size(3, 1), base: 'bare node' };
  // No other process of the machine runs this copy of node: only processes of the container share its pages.
  const node = resolve(build, 'own-node/node');
  mkdirSync(dirname(node), { recursive: true });
  copyFileSync(process.execPath, node);
  const path = `PATH=${[dirname(node), PATH].join(delimiter)}`;
  const read = (line, command, look) =>
    whenIdle((out) => ['env', path, ...line(command(out))], size(3000, 1500), look);
  const groups = (where) =>
    Object.fromEntries(
      ['resident', 'proportional', 'anonymous', 'file'].map((kind) => [
        kind,
        `${where}: ${kind} memory (MiB)`,
      ]),
    );

  const alone = 'idle alone';
  const sleeper = (out) => [helpers.sleepers, out, '0', 'stay'];
  await record.compare(
    { ...groups(alone), residentAfter: `${alone}: resident memory after five signals (MiB)` },
    { ...settings, candidates },
    ({ line, forwards }) =>
      read(line, sleeper, async ({ init }) => ({
        ...sum(init.map(readMemory)),
        residentAfter: forwards ? await residentAfterSignals(init[0]) : undefined,
      })),
  );
  const beside = 'idle beside a Node workload';
  const service = (out) => [node, app('app.cjs'), out, 'stay'];
  await record.compare(
    {
      ...groups(beside),
      workloadResident: `${beside}: resident memory of the workload (MiB)`,
      together: `${beside}: proportional memory of both (MiB)`,
    },
    { ...settings, candidates: [...candidates, plain] },
    ({ line }) =>
      read(line, service, ({ init, workload }) => ({
        ...sum(init.map(readMemory)),
        workloadResident: readMemory(workload).resident,
        together: sum([...init, workload].map(readMemory)).proportional,
      })),
  );
}

/** The first signals may bring back memory that init has handed back. */
async function residentAfterSignals(pid) {
  for (let count = 0; count < SIGNALS; count++) {
    process.kill(pid, 'SIGUSR2');
    await sleep(SIGNAL_PAUSE_MS);
  }
  return readMemory(pid).resident;
}
