// The memory of an init with nothing to do: alone, after it had a little to do, and beside a Node workload.
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { delimiter, dirname, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { figuresOf } from '../figures.mjs';
import { app, build, freshPath } from '../paths.mjs';
import {
  environment,
  initPidOf,
  readMemory,
  splitProcesses,
  startAsPid1,
  sum,
  waitForResult,
} from '../processes.mjs';
import { inRounds } from '../rounds.mjs';

const SIGNALS = 5;
const SIGNAL_PAUSE_MS = 100;
const metrics = ['resident', 'proportional', 'anonymous', 'file'];
const base = 'bare node';

export async function measure({ candidates, helpers, size, progress }) {
  const { rounds, settleMs } = size.memory;
  const node = copyNode();
  const runIdle = async (line, command, look) => {
    const init = startAsPid1(line(command), { path: [dirname(node), environment.PATH].join(delimiter) });
    try {
      await waitForResult(init, command.at(-1));
      await sleep(settleMs);
      return await look(initPidOf(init), command[0]);
    } finally {
      await init.end();
      rmSync(command.at(-1), { force: true });
    }
  };
  const alone = await inRounds({
    title: 'memory alone',
    rounds,
    candidates,
    progress,
    measure: ({ line, forwards }) =>
      runIdle(line, [helpers.sleepers, '0', 'stay', freshPath('idle')], async (pid, program) => {
        const idle = sum(splitProcesses(pid, program).init.map(readMemory));
        if (!forwards) return idle;
        return { ...idle, residentAfter: await residentAfterSignals(pid) };
      }),
  });
  // bare.cjs has a child; this is the plain app, as its own PID 1 and with nothing around it.
  const plain = { name: 'node, no init', line: (command) => command };
  const beside = await inRounds({
    title: 'memory beside a Node workload',
    rounds,
    candidates: [...candidates, plain],
    progress,
    measure: ({ line }) =>
      runIdle(line, [node, app('http.cjs'), freshPath('idle')], (pid, program) => {
        const { init, workload } = splitProcesses(pid, program);
        return {
          ...sum(init.map(readMemory)),
          workloadResident: sum(workload.map(readMemory)).resident,
          together: sum([...init, ...workload].map(readMemory)).proportional,
        };
      }),
  });
  const mib = (group, values = {}, to = base) => figuresOf(group, 'MiB', values, to);
  return {
    figures: [
      ...metrics.flatMap((metric) => mib(`idle alone: ${metric} memory`, alone.values[metric])),
      ...mib('idle alone: resident memory after five signals', alone.values.residentAfter),
      ...metrics.flatMap((metric) =>
        mib(`idle beside a Node workload: ${metric} memory`, beside.values[metric]),
      ),
      ...mib(
        'idle beside a Node workload: resident memory of the workload',
        beside.values.workloadResident,
        plain.name,
      ),
      ...mib('idle beside a Node workload: proportional memory of both', beside.values.together, plain.name),
    ],
    failures: [...alone.failures, ...beside.failures],
  };
}

/** What was handed back may be needed again for the first thing that happens. */
async function residentAfterSignals(pid) {
  for (let count = 0; count < SIGNALS; count++) {
    process.kill(pid, 'SIGUSR2');
    await sleep(SIGNAL_PAUSE_MS);
  }
  return readMemory(pid).resident;
}

/** A node that nothing else on the machine runs, the bench included: pages are shared within the container alone. */
function copyNode() {
  const node = resolve(build, 'own-node/node');
  mkdirSync(dirname(node), { recursive: true });
  copyFileSync(process.execPath, node);
  return node;
}
