// An init with nothing to do: its threads, wake-ups and system calls. All candidates at the same time, since an idle
// process disturbs no other.
import { setTimeout as sleep } from 'node:timers/promises';
import { helpers } from '../files.mjs';
import { countSystemCalls, readActivity } from '../observe.mjs';
import { OUT, whenIdle } from '../processes.mjs';

export async function measure({ record, candidates, size }) {
  const windowMs = size(20_000, 2000);
  const inAMinute = (count) => (count * 60_000) / windowMs;
  const watch = (candidate) =>
    whenIdle(candidate, [helpers.sleepers, OUT, 0, 'stay'], size(4000, 1000), async ({ init }) => {
      const before = readActivity(init);
      await sleep(windowMs);
      const after = readActivity(init);
      const systemCalls = await countSystemCalls(init, () => sleep(windowMs));
      return {
        threads: after.threads,
        'wake-ups a minute': inAMinute(after.wakeUps - before.wakeUps),
        'processor time a minute (ms)': inAMinute(after.cpuMs - before.cpuMs),
        'system calls a minute': inAMinute(systemCalls),
      };
    });
  const watched = new Map(candidates.map((candidate) => [candidate, watch(candidate)]));
  await Promise.allSettled(watched.values());
  await record.compare('idle: ', { rounds: 1, candidates }, (candidate) => watched.get(candidate));
}
