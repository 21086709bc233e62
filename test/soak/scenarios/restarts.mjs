import { setTimeout as sleep } from 'node:timers/promises';
import { refusingJob, shell } from './workloads.mjs';

const failing = (status, seconds) => shell(`${refusingJob} echo run; sleep ${seconds}; exit ${status}`);
const seconds = (random) => random.between(0, 10) / 100;

function restartOnFailure(random) {
  const limit = random.between(1, 3);
  const status = random.between(1, 120);
  return {
    options: ['--restart', `on-failure:${limit}`, '--grace', '50ms'],
    command: failing(status, seconds(random)),
    expected: status,
    check({ lines }) {
      const runs = lines.filter((line) => line === 'run').length;
      return [runs !== limit + 1 && `the workload ran ${runs} times, not ${limit + 1}`];
    },
  };
}

/** SIGTERM may come during a run, while init ends its survivors, or between two runs. */
function restartAlways(random) {
  const status = random.between(1, 120);
  const afterMs = random.between(0, 1500);
  return {
    choices: { afterMs },
    options: ['--restart', 'always', '--grace', '50ms'],
    command: failing(status, seconds(random)),
    expected: [status, 143],
    async drive(init) {
      await init.line('run');
      await sleep(afterMs);
      init.signal('SIGTERM');
    },
  };
}

export const restarts = { 'restart-on-failure': restartOnFailure, 'restart-always': restartAlways };
