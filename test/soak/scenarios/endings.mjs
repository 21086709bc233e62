import { setTimeout as sleep } from 'node:timers/promises';
import { actor } from '../paths.mjs';
import { shell } from './workloads.mjs';

const graceOf = (random) => ['--grace', `${random.between(50, 300)}ms`];

/** A workload that, on a line of input, ends with 5 and leaves processes behind. */
function ending(random, command, untilReady = (init) => init.line('ready')) {
  const livesMs = random.between(0, 100);
  return {
    choices: { livesMs },
    options: graceOf(random),
    command,
    expected: 5,
    async drive(init) {
      await untilReady(init);
      await sleep(livesMs);
      init.write('\n');
    },
  };
}

const hostileTree = (random) => ending(random, [actor, 'hostile', `${random.between(20, 60)}`]);

const chains = (random) => ending(random, [actor, 'chains', `${random.between(1, 30)}`]);

function sessions(random) {
  const jobs = Array.from({ length: random.between(1, 20) }, () =>
    random.pick([
      'sleep 1000 &',
      'setsid sleep 1000 &',
      'setsid setsid sh -c "sleep 1000; sleep 1000" &',
      'setsid sh -c "kill -STOP \\$\\$; sleep 1000" &',
      'setsid sh -c "sleep 1000 & exec sleep 1000" &',
    ]),
  );
  return ending(random, shell(`trap '' TERM; ${jobs.join(' ')} echo ready; read -r _; exit 5`));
}

function daemons(random) {
  const count = random.between(1, 10);
  const jobs = Array.from({ length: count }, () =>
    random.pick([`${actor} daemon &`, `${actor} ignore 15 ${actor} daemon &`]),
  );
  return ending(random, shell(`${jobs.join(' ')} echo ready; read -r _; exit 5`), (init) =>
    init.until(() => init.countLines('daemon ') === count, `${count} daemons run`),
  );
}

/** Only root can run it as another user, whose process limit then applies. */
function endless(random) {
  const user = random.between(30_000, 60_000);
  const size = random.between(10, 250);
  const plan = ending(random, shell(`${actor} endless ${user} & read -r _; exit 5`), (init) =>
    init.until(() => init.countDescendants() > size, `the chain is longer than ${size}`),
  );
  return { ...plan, choices: { ...plan.choices, user, size } };
}

export const endings = {
  'hostile-tree': hostileTree,
  chains,
  sessions,
  daemons,
  ...(process.getuid?.() === 0 ? { endless } : {}),
};
