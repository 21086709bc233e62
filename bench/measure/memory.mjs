// The memory of an init with nothing to do: alone, after it had a little to do, and beside a Node workload.
import { copyFileSync, mkdirSync } from 'node:fs';
import { delimiter, dirname, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { app, build, helpers } from '../files.mjs';
import { readMemory, sum } from '../observe.mjs';
import { environment, whenIdle } from '../processes.mjs';

const SIGNALS = 5;
const SIGNAL_PAUSE_MS = 100;
const base = 'bare node';
/** bare.cjs has a child; this is the plain app, as its own PID 1 and with nothing around it. */
const plain = { name: 'node, no init', line: (command) => command };

export async function measure({ record, candidates, size }) {
  const { rounds, settleMs } = size.memory;
  // A node that nothing else on the machine runs, the bench included: pages are shared within the container alone.
  const node = resolve(build, 'own-node/node');
  mkdirSync(dirname(node), { recursive: true });
  copyFileSync(process.execPath, node);
  const path = [dirname(node), environment.PATH].join(delimiter);
  const look = (line, command, one) =>
    whenIdle((out) => ['env', `PATH=${path}`, ...line(command(out))], settleMs, one);

  const alone = await record.inRounds('memory alone', rounds, candidates, ({ line, forwards }) =>
    look(
      line,
      (out) => [helpers.sleepers, out, '0', 'stay'],
      async ({ pid, init }) => ({
        ...sum(init.map(readMemory)),
        residentAfter: forwards ? await residentAfterSignals(pid) : undefined,
      }),
    ),
  );
  const all = [...candidates, plain];
  const beside = await record.inRounds('memory beside a Node workload', rounds, all, ({ line }) =>
    look(
      line,
      (out) => [node, app('http.cjs'), out],
      ({ init, workload }) => ({
        ...sum(init.map(readMemory)),
        workloadResident: sum(workload.map(readMemory)).resident,
        together: sum([...init, ...workload].map(readMemory)).proportional,
      }),
    ),
  );

  const add = (group, values, to) => record.add(group, 'MiB', values, to);
  const metrics = ['resident', 'proportional', 'anonymous', 'file'];
  for (const metric of metrics) add(`idle alone: ${metric} memory`, alone[metric], base);
  add('idle alone: resident memory after five signals', alone.residentAfter, base);
  const group = 'idle beside a Node workload:';
  for (const metric of metrics) add(`${group} ${metric} memory`, beside[metric], base);
  add(`${group} resident memory of the workload`, beside.workloadResident, plain.name);
  add(`${group} proportional memory of both`, beside.together, plain.name);
}

/** What was handed back may be needed again for the first thing that happens. */
async function residentAfterSignals(pid) {
  for (let count = 0; count < SIGNALS; count++) {
    process.kill(pid, 'SIGUSR2');
    await sleep(SIGNAL_PAUSE_MS);
  }
  return readMemory(pid).resident;
}
