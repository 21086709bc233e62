import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { heldBy } from '../../helpers/growth.mjs';
import { childrenOf } from '../../helpers/proc.mjs';
import { actor, launcher } from '../paths.mjs';
import { realTime, standard } from './workloads.mjs';

const seam = resolve(import.meta.dirname, '../../helpers/shorten-back-off.cjs');
const signals = { SIGHUP: 1, SIGUSR1: 10, SIGTERM: 15, SIGCONT: 18 };
const ACTS_A_SECOND = 10;
const LONGEST_PAUSE_MS = 100;
/** What V8 may take more for code and garbage, in all of a week. */
const SLACK_KIB = 8192;
/** The acts at the beginning, after which nothing may grow any more. */
const WARM_UP = 1 / 4;

/**
 * The workload prints each signal that it gets. Beside it, in another session, where no signal comes, a shell runs the
 * lines of standard input. If the workload ends, so does the shell, and the next one reads on.
 */
const reader = 'while read -r line; do eval "$line"; done';
const workload = ['sh', '-c', `exec 3<&0; setsid sh -c "$0" <&3 & exec ${actor} signals`, reader];

/** What happens to a container in a week. Each draws an act, which is carried out in turn. */
const acts = {
  orphans(random) {
    const [count, ms] = [random.between(1, 200), random.between(0, 50)];
    return ({ run }) => run(`${actor} parent ${count} ${ms} 0 &`);
  },
  storm(random) {
    const seconds = random.between(1, 5) / 10;
    return ({ run }) => run(`timeout -s KILL ${seconds} ${actor} orphans 1000000 >/dev/null &`);
  },
  burst(random) {
    const count = random.between(10, 1000);
    return ({ run }) => run(`timeout -s KILL 0.5 ${actor} burst ${count} >/dev/null &`);
  },
  daemon(random) {
    const seconds = random.between(0, 10) / 10;
    const trap = random.pick(['', 'trap "" TERM HUP; ']);
    return ({ run }) => run(`(${trap}setsid setsid sleep ${seconds} &)`);
  },
  signal(random) {
    const signal = random.pick(['SIGHUP', 'SIGUSR1', 'SIGCONT']);
    return (life) => life.arrives(signal);
  },
  flood(random) {
    const kinds = random.pick([[random.pick(realTime)], realTime, standard, [...realTime, ...standard]]);
    const count = random.betweenByMagnitude(100, 3000);
    return async (life) => {
      await life.init.flood(kinds, count);
      // Behind the flood.
      await life.arrives('SIGHUP');
    };
  },
  crash() {
    return async (life) => {
      const { runs } = life;
      process.kill(await life.workload(), 'SIGKILL');
      await life.init.until(() => life.runs > runs, 'the workload is started again');
    };
  },
  pause(random) {
    const ms = random.between(0, 200);
    return async ({ init }) => {
      await init.stop();
      await sleep(ms);
      init.signal('SIGCONT');
    };
  },
  freeze(random) {
    const ms = random.between(0, 200);
    return async (life) => {
      const pid = await life.workload();
      process.kill(pid, 'SIGSTOP');
      await sleep(ms);
      process.kill(pid, 'SIGCONT');
    };
  },
};

/**
 * One init lives long, and all that may happen to it does, at random: a week of it in five minutes. Its acts depend on the
 * seed alone, so that a life can be lived again.
 */
function week(random, { lifeS }) {
  const isReported = random.pick([true, false]);
  const report = join(tmpdir(), `subreaper-week-${random.between(0, 2 ** 31)}`);
  const plan = Array.from({ length: lifeS * ACTS_A_SECOND }, () => {
    const name = random.pick(Object.keys(acts));
    return { name, act: acts[name](random), pauseMs: random.between(0, LONGEST_PAUSE_MS) };
  });
  const life = {
    init: undefined,
    runs: 0,
    inner: 0,
    seen: new Map(),
    done: [],
    before: undefined,
    after: undefined,
  };
  life.run = (line) => life.init.write(`${line}\n`);
  life.workload = () => life.init.childWith(life.inner);
  life.arrives = async (signal) => {
    const count = () => life.seen.get(signals[signal]) ?? 0;
    const before = count();
    life.init.signal(signal);
    await life.init.until(() => count() > before, `${signal} arrives`);
  };

  return {
    choices: { acts: plan.length, isReported },
    launch: ['node', '--require', seam, launcher],
    options: ['--restart', 'always', '--grace', '100ms', '-q', ...(isReported ? ['--report', report] : [])],
    command: workload,
    expected: 137,
    lifeS,
    onLine(line) {
      const [word, pid] = line.split(' ');
      if (word === 'ready') {
        life.runs++;
        life.inner = Number(pid);
      } else life.seen.set(Number(word), (life.seen.get(Number(word)) ?? 0) + 1);
    },
    async drive(init) {
      life.init = init;
      await init.until(() => life.runs > 0, 'the workload runs');
      for (const [index, { name, act, pauseMs }] of plan.entries()) {
        if (index === Math.floor(plan.length * WARM_UP)) life.before = await restOf(init);
        life.done.push(name);
        await act(life);
        await sleep(pauseMs);
      }
      life.after = await restOf(init);
      await life.arrives('SIGTERM');
      process.kill(await life.workload(), 'SIGKILL');
    },
    check() {
      rmSync(report, { force: true });
      const { before, after, done } = life;
      if (after === undefined) return [`${done.length} of ${plan.length} acts, the last one: ${done.at(-1)}`];
      return ['descriptors', 'threads', 'memoryKib'].map(
        (what) =>
          after[what] - before[what] > (what === 'memoryKib' ? SLACK_KIB : 0) &&
          `${what} grew from ${before[what]} to ${after[what]}`,
      );
    },
    note() {
      const { before, after, runs } = life;
      return `${life.done.length} acts, ${runs} runs, ${before?.memoryKib} KiB of anonymous memory after a quarter, ${after?.memoryKib} at the end`;
    },
  };
}

/** @returns what init holds, once nothing is left but the workload: every orphan has ended, and is reaped */
async function restOf(init) {
  await init.until(() => childrenOf(init.pid()).length === 1, 'every orphan is reaped');
  return heldBy(init.pid());
}

export const weeks = { week };
