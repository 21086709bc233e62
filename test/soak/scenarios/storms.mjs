import { setTimeout as sleep } from 'node:timers/promises';
import { actor } from '../paths.mjs';
import { deafTo, realTime, SIGCONT, shell, standard } from './workloads.mjs';

/** Thousands of zombies and signals, with a stop signal among them or after them. */
function storm(role) {
  return (random) => {
    const kinds = random.pick([[random.pick(realTime)], standard, [...realTime, SIGCONT]]);
    const count = random.betweenByMagnitude(100, 20_000);
    const stopAfterMs = random.pick([undefined, random.between(0, 300)]);
    return {
      choices: { kinds: kinds.join(), count, stopAfterMs: stopAfterMs ?? 'done' },
      command: deafTo(kinds, shell(`echo ready; exec ${actor} ${role} 2000`)),
      expected: 143,
      async drive(init) {
        await init.line('ready');
        const flooded = init.flood(kinds, count);
        if (stopAfterMs === undefined) await Promise.all([init.line('done'), flooded]);
        else await sleep(stopAfterMs);
        init.signal('SIGTERM');
        await flooded;
      },
    };
  };
}

export const storms = { burst: storm('burst'), orphans: storm('orphans') };
