// Orphans of PID 1: many at one instant; all the time; and while init cannot run.
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../test/helpers/proc.mjs';
import { helpers } from '../files.mjs';
import { short } from '../numbers.mjs';
import { comesToRest, countSystemCalls } from '../observe.mjs';
import { asPid1, OUT } from '../processes.mjs';

const version1 = { root: '/sys/fs/cgroup/cpu', file: 'cpu.cfs_quota_us', limit: '1000', none: '-1' };
const version2 = { root: '/sys/fs/cgroup', file: 'cpu.max', limit: '1000 100000', none: 'max 100000' };
const { root, file, limit, none } = existsSync(version1.root) ? version1 : version2;
const cgroup = `${root}/subreaper-bench`;

/** N zombies that become init's at one instant: the time until the last is reaped. */
export async function burst({ compare, candidates, size }) {
  const reaping = candidates.filter(({ reaps }) => reaps);
  // One round of the smallest burst shows that an init does not reap.
  const all = candidates.map((candidate) => (candidate.reaps ? candidate : { ...candidate, rounds: 1 }));
  const roundsOf = size({ 100: 20, 1000: 20, 5000: 10, 20000: 8 }, { 100: 3, 20000: 1 });
  for (const [count, rounds] of Object.entries(roundsOf)) {
    const some = count === '100' ? all : reaping;
    await compare('burst: ', some, { rounds, base: 'tini' }, async (candidate) => {
      const [[ms, left]] = await asPid1(candidate, [helpers.burst, OUT, count]);
      if (left > 0) throw new Error(`${short(left)} zombies stay`);
      return { [`${short(Number(count))} zombies at one instant (ms)`]: ms };
    });
  }
}

/** Orphans that end all the time: the zombies at any moment, and what reaping costs. */
export async function storm({ compare, series, candidates, size }) {
  const reaping = candidates.filter(({ reaps }) => reaps);
  const steady = { rate: size(1000, 500), seconds: size(4, 1) };
  const about = `${short(steady.rate)} orphans a second for ${steady.seconds} s`;
  await compare('storm: ', candidates, { rounds: size(3, 1), base: 'tini' }, async (candidate) => {
    const [[, cpuUs, most, mean], ...samples] = await runStorm(candidate, steady, (_, run) => run());
    series[candidate.name] ??= samples;
    return {
      [`most zombies, ${about}`]: most,
      [`mean zombies, ${about}`]: mean,
      [`processor time of PID 1 for each orphan, ${about} (µs)`]: cpuUs,
    };
  });
  await compare('storm: ', reaping, { rounds: 1 }, async (candidate) => {
    const count = await runStorm(candidate, steady, (pid, run) => countSystemCalls([pid], run));
    return { [`system calls of PID 1, ${about}`]: count };
  });

  const held = { rate: size(2000, 500), seconds: size(10, 2) };
  const stop = (pid, run) => process.kill(pid, 'SIGSTOP') && run();
  for (const [how, hold] of Object.entries({ stopped: stop, 'limited to 1 % of a processor': limitCpu })) {
    await compare(`storm with init ${how}: `, reaping, { rounds: size(2, 1) }, async (candidate) => {
      const [[orphans, , , , left]] = await runStorm(candidate, held, hold);
      return { [`orphans in ${held.seconds} s`]: orphans, 'zombies left': left };
    });
  }
  await until(() => readFileSync(`${cgroup}/cgroup.procs`, 'latin1') === '', 'the cgroup is empty');
  rmdirSync(cgroup);
}

/** @param around  gets the pid of init, and a function that runs the storm and returns what the helper writes */
function runStorm(candidate, { rate, seconds }, around) {
  return asPid1(candidate, [helpers.storm, OUT, rate, seconds, 'go'], async ({ out, result, pids }) => {
    await until(() => existsSync(`${out}.waits`), 'the workload runs');
    // subreaper gives file pages back a second after its start.
    await sleep(1500);
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
