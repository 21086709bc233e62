// Orphans that end all the time, as PID 1: the zombies at any moment, and what reaping costs. Then the same while init
// cannot run.
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../test/helpers/proc.mjs';
import { helpers } from '../files.mjs';
import { short } from '../numbers.mjs';
import { comesToRest, countSystemCalls } from '../observe.mjs';
import { asPid1, OUT } from '../processes.mjs';

/** subreaper gives file pages back a second after its start. */
const START_MS = 1500;
const version1 = { root: '/sys/fs/cgroup/cpu', file: 'cpu.cfs_quota_us', limit: '1000', none: '-1' };
const version2 = { root: '/sys/fs/cgroup', file: 'cpu.max', limit: '1000 100000', none: 'max 100000' };
const { root, file, limit, none } = existsSync(version1.root) ? version1 : version2;
const cgroup = `${root}/subreaper-bench`;

export async function measure({ record, candidates, size }) {
  const reaping = candidates.filter(({ reaps }) => reaps);
  const steady = { rate: size(1000, 500), seconds: size(4, 1) };
  const about = `${short(steady.rate)} orphans a second for ${steady.seconds} s`;
  const settings = { rounds: size(3, 1), candidates, base: 'tini' };
  await record.compare('storm: ', settings, async (candidate) => {
    const [[, cpuUs, most, mean], ...samples] = await storm(candidate, steady, (_, run) => run());
    record.series[candidate.name] ??= samples;
    return {
      [`most zombies, ${about}`]: most,
      [`mean zombies, ${about}`]: mean,
      [`processor time of PID 1 for each orphan, ${about} (µs)`]: cpuUs,
    };
  });
  await record.compare('storm: ', { rounds: 1, candidates: reaping }, async (candidate) => {
    const count = await storm(candidate, steady, (pid, run) => countSystemCalls([pid], run));
    return { [`system calls of PID 1, ${about}`]: count };
  });

  const held = { rate: size(2000, 500), seconds: size(10, 2) };
  const few = { rounds: size(2, 1), candidates: reaping };
  const compareHeld = (how, hold) =>
    record.compare(`storm with init ${how}: `, few, async (candidate) => {
      const [[orphans, , , , left]] = await storm(candidate, held, hold);
      return { [`orphans in ${held.seconds} s`]: orphans, 'zombies left': left };
    });
  await compareHeld('stopped', (pid, run) => {
    process.kill(pid, 'SIGSTOP');
    return run();
  });
  await compareHeld('limited to 1 % of a processor', limitCpu);
  await until(() => readFileSync(`${cgroup}/cgroup.procs`, 'latin1') === '', 'the cgroup is empty');
  rmdirSync(cgroup);
}

/** @param around  gets the pid of init, and a function that runs the storm and returns what the helper writes */
function storm(candidate, { rate, seconds }, around) {
  return asPid1(candidate, [helpers.storm, OUT, rate, seconds, 'go'], async ({ out, result, pids }) => {
    await until(() => existsSync(`${out}.waits`), 'the workload runs');
    await sleep(START_MS);
    const [pid] = pids();
    await comesToRest(pid);
    return around(pid, () => {
      writeFileSync(`${out}.go`, '');
      return result();
    });
  });
}

/** Gives a process, not its children, 1 ms of each 100 of a processor during `run` alone: its end would take minutes. */
function limitCpu(pid, run) {
  const write = (name, text) => writeFileSync(`${cgroup}/${name}`, text, { flag: 'r+' });
  mkdirSync(cgroup, { recursive: true });
  write('cgroup.procs', `${pid}`);
  write(file, limit);
  return run().finally(() => write(file, none));
}
