import { hasEnded, processStat } from '../../helpers/proc.mjs';
import { actor } from '../paths.mjs';
import { refusingJob, shell } from './workloads.mjs';

/** Far longer than a run may take: it passes only if the wait ends early. */
const NEVER = '1000s';

/** @returns the workload's pid as the soak sees it, once the workload has printed its own */
async function workloadOf(init) {
  return init.childWith(Number((await init.line('workload ')).split(' ')[1]));
}

/** The second stop signal ends the grace time. */
function secondStop(random) {
  const second = random.pick(['SIGTERM', 'SIGINT', 'SIGQUIT']);
  return {
    choices: { second },
    options: ['--grace', NEVER],
    command: shell(`trap 'exit 6' TERM; ${refusingJob} echo "workload $$"; wait`),
    expected: 6,
    async drive(init) {
      await init.line('refusing');
      const workload = await workloadOf(init);
      init.signal('SIGTERM');
      await init.until(() => processStat(workload) === undefined, 'the workload has ended');
      init.signal(second);
    },
  };
}

/**
 * Both come while init is stopped, and so does the end of the workload. Pending signals of one kind merge, so these are
 * of two kinds.
 */
function secondStopWhileStopped(random) {
  const stops = random.pick([
    ['SIGTERM', 'SIGINT'],
    ['SIGTERM', 'SIGQUIT'],
    ['SIGINT', 'SIGQUIT'],
  ]);
  return {
    choices: { stops },
    options: ['--grace', NEVER],
    command: shell(`${refusingJob} echo "workload $$"; wait`),
    expected: 137,
    async drive(init) {
      await init.line('refusing');
      const workload = await workloadOf(init);
      await init.stop();
      process.kill(workload, 'SIGKILL');
      // It becomes a zombie, unless the kernel reaps.
      await init.until(() => hasEnded(workload), 'the workload has ended');
      init.signal(...stops, 'SIGCONT');
    },
  };
}

function stopTimeout(random) {
  const timeoutMs = random.between(50, 300);
  return {
    options: ['--stop-timeout', `${timeoutMs}ms`],
    command: shell(`trap '' TERM; setsid sleep 1000 & echo ready; sleep 1000; sleep 1000`),
    expected: 137,
    async drive(init) {
      await init.line('ready');
      init.signal('SIGTERM');
    },
  };
}

function stopDelay(random) {
  const delayMs = random.between(20, 200);
  let stoppedAt;
  return {
    options: ['--stop-delay', `${delayMs}ms`],
    command: [actor, 'sink'],
    expected: 7,
    async drive(init) {
      await init.line('ready');
      stoppedAt = performance.now();
      init.signal('SIGTERM');
    },
    check: ({ endedAt }) => [
      endedAt - stoppedAt < delayMs && `it ended ${endedAt - stoppedAt} ms after SIGTERM`,
    ],
  };
}

/** A second stop signal makes init forward both. */
function stopDelayCut(random) {
  const second = random.pick(['SIGINT', 'SIGQUIT']);
  return {
    choices: { second },
    options: ['--stop-delay', NEVER],
    command: [actor, 'sink'],
    expected: 7,
    async drive(init) {
      await init.line('ready');
      init.signal('SIGTERM', second);
    },
  };
}

/** A daemon outlives the workload. init waits for it. */
function untilAll(random) {
  const [status, seconds] = [random.between(0, 120), random.between(0, 40) / 100];
  return {
    choices: { status, seconds },
    options: ['--until', 'all'],
    command: shell(`setsid sh -c 'sleep ${seconds}; echo bye' & exit ${status}`),
    expected: status,
    check: ({ lines }) => [!lines.includes('bye') && 'the daemon did not end by itself'],
  };
}

/** SIGTERM ends the daemon and decides the status. A background job of a shell ignores the other stop signals. */
function untilAllStopped() {
  return {
    options: ['--until', 'all'],
    command: shell(
      `setsid sh -c 'trap "exit 0" TERM; echo ready; while :; do sleep 0.01; done' & echo "workload $$"; read -r _; exit 0`,
    ),
    expected: 143,
    async drive(init) {
      await init.line('ready');
      const workload = await workloadOf(init);
      init.write('\n');
      await init.until(() => processStat(workload) === undefined, 'the workload has ended');
      init.signal('SIGTERM');
    },
  };
}

export const stops = {
  'second-stop': secondStop,
  'second-stop-while-stopped': secondStopWhileStopped,
  'stop-timeout': stopTimeout,
  'stop-delay': stopDelay,
  'stop-delay-cut': stopDelayCut,
  'until-all': untilAll,
  'until-all-stopped': untilAllStopped,
};
