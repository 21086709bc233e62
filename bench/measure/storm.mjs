// Orphans that end all the time, as PID 1: the zombies at any moment, and what reaping costs. Then the same while init
// cannot run.
import { existsSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../test/helpers/proc.mjs';
import { makeCpuCgroup } from '../cgroup.mjs';
import { helpers } from '../files.mjs';
import { withCommas } from '../numbers.mjs';
import { comesToRest, countSystemCalls } from '../observe.mjs';
import { asPid1, parseRows } from '../processes.mjs';

/** subreaper gives file pages back a second after its start. */
const START_MS = 1500;

export async function measure({ record, candidates, size }) {
  const reaping = candidates.filter(({ reaps }) => reaps);
  const steady = { rate: size(1000, 500), seconds: size(4, 1) };
  const about = `${withCommas(steady.rate)} orphans a second for ${steady.seconds} s`;
  await record.compare(
    {
      most: `storm: most zombies, ${about}`,
      mean: `storm: mean zombies, ${about}`,
      cpuUs: `storm: processor time of PID 1 for each orphan, ${about} (µs)`,
    },
    { rounds: size(3, 1), candidates, base: 'tini' },
    async ({ name, line }) => {
      const measured = await storm(line, steady);
      record.series[name] ??= measured.samples;
      return measured;
    },
  );
  const trace = async (pid, run) => ({ systemCalls: await countSystemCalls([pid], run) });
  await record.compare(
    { systemCalls: `storm: system calls of PID 1, ${about}` },
    { rounds: 1, candidates: reaping },
    ({ line }) => storm(line, steady, trace),
  );

  const held = { rate: size(2000, 500), seconds: size(10, 2) };
  const compareHeld = (how, around) =>
    record.compare(
      {
        orphans: `storm with init ${how}: orphans in ${held.seconds} s`,
        left: `storm with init ${how}: zombies left`,
      },
      { rounds: size(2, 1), candidates: reaping },
      ({ line }) => storm(line, held, around),
    );
  await compareHeld('stopped', (pid, run) => {
    process.kill(pid, 'SIGSTOP');
    return run();
  });
  const cgroup = makeCpuCgroup();
  await compareHeld('limited to 1 % of a processor', (pid, run) => {
    cgroup.add(pid);
    cgroup.setLimited(true);
    // With the limit init would take minutes to end.
    return run().finally(() => cgroup.setLimited(false));
  });
  await cgroup.remove();
}

/** @param around  gets the pid of init, and a function that runs the storm; gives what this function gives */
function storm(line, { rate, seconds }, around = (_, run) => run()) {
  return asPid1(
    (out) => line([helpers.storm, out, `${rate}`, `${seconds}`, 'go']),
    async ({ out, result, initPid }) => {
      await until(() => existsSync(`${out}.waits`), 'the workload runs');
      await sleep(START_MS);
      await comesToRest(initPid());
      return around(initPid(), async () => {
        writeFileSync(`${out}.go`, '');
        const [[orphans, cpuUs, most, mean, left], ...samples] = parseRows(await result());
        return { orphans, cpuUs, most, mean, left, samples };
      });
    },
  );
}
