// An init with nothing to do: its threads, wake-ups and system calls. All candidates at the same time, since an idle
// process disturbs no other.
import { setTimeout as sleep } from 'node:timers/promises';
import { helpers } from '../files.mjs';
import { countSystemCalls, watchActivity } from '../observe.mjs';
import { whenIdle } from '../processes.mjs';

export async function measure({ record, candidates, size }) {
  const windowMs = size(20_000, 2000);
  const watch = ({ line }) =>
    whenIdle(
      (out) => line([helpers.sleepers, out, '0', 'stay']),
      size(4000, 1000),
      async ({ init }) => ({
        ...(await watchActivity(init, windowMs)),
        systemCalls: ((await countSystemCalls(init, () => sleep(windowMs))) * 60_000) / windowMs,
      }),
    );
  const watched = new Map(candidates.map((candidate) => [candidate, watch(candidate)]));
  await Promise.allSettled(watched.values());
  await record.compare(
    {
      threads: 'idle: threads',
      wakeUps: 'idle: wake-ups a minute',
      cpuMs: 'idle: processor time a minute (ms)',
      systemCalls: 'idle: system calls a minute',
    },
    { rounds: 1, candidates },
    (candidate) => watched.get(candidate),
  );
}
