import { setTimeout as sleep } from 'node:timers/promises';
import { actor } from '../paths.mjs';
import { realTime, SIGCONT, standard } from './workloads.mjs';

function chooseKinds(random) {
  const kinds = random.pick([
    [random.pick([...realTime, ...standard])],
    realTime,
    standard,
    [...standard, ...realTime],
  ]);
  return random.pick([kinds, [...kinds, SIGCONT]]);
}

/**
 * The kernel queues all real-time signals in one list. To take the lowest number first, it walks past the others, so the
 * cost of a mixed flood grows with the square of its length.
 */
function chooseCount(random, kinds, fewest, most) {
  const isMixed = kinds.filter((kind) => realTime.includes(kind)).length > 1;
  return random.betweenByMagnitude(fewest, isMixed ? Math.min(most, 20_000) : most);
}

/** The workload floods init and ends. Its end is one more signal, which must not be lost in the flood. */
function flood(random) {
  const kinds = chooseKinds(random);
  const count = chooseCount(random, kinds, 5000, 200_000);
  return {
    choices: { kinds: kinds.join(), count },
    command: [actor, 'flood', kinds.join(), `${count}`],
    expected: 3,
  };
}

/**
 * A stop signal comes after a flood, or in the middle. A stopped init gets all signals at one instant. The limit of the
 * kernel's queue is the user's, for the whole machine: such a flood uses less than half of the usual limit.
 */
function floodThenStop(random) {
  const moment = random.pick(['stopped', 'behind', 'amid']);
  const kinds = random.pick([[10], [random.pick(realTime)], realTime, [10, ...realTime]]);
  const count = chooseCount(random, kinds, 1000, moment === 'stopped' ? 40_000 : 100_000);
  const stop = random.pick(['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP']);
  return {
    choices: { moment, kinds: kinds.join(), count, stop },
    command: [actor, 'sink'],
    expected: 7,
    async drive(init) {
      await init.line('ready');
      if (moment === 'stopped') await init.stop();
      const flooded = init.flood(kinds, count);
      if (moment === 'amid') init.signal(stop);
      await flooded;
      if (moment !== 'amid') init.signal(stop);
      if (moment === 'stopped') init.signal('SIGCONT');
    },
    check({ lines }) {
      const counted = Number(lines.find((line) => line.startsWith('counted '))?.split(' ')[1]);
      return [!(counted <= count) && `the workload counted ${counted} signals, of ${count}`];
    },
  };
}

/** A stop signal gets through while the flood goes on. */
function endlessFlood(random) {
  const kinds = chooseKinds(random);
  const afterMs = random.between(0, 500);
  return {
    choices: { kinds: kinds.join(), afterMs },
    command: [actor, 'flood-on', kinds.join()],
    expected: 143,
    async drive(init) {
      await init.line('ready');
      await sleep(afterMs);
      init.signal('SIGTERM');
    },
  };
}

export const floods = { flood, 'flood-then-stop': floodThenStop, 'endless-flood': endlessFlood };
