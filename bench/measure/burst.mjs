// N zombies that become init's at one instant, as PID 1: the time until the last is reaped.
import { helpers } from '../files.mjs';
import { short } from '../numbers.mjs';
import { asPid1, OUT } from '../processes.mjs';

export async function measure({ record, candidates, size }) {
  const reaping = candidates.filter(({ reaps }) => reaps);
  // One round of the smallest burst shows that an init does not reap.
  const all = candidates.map((candidate) => (candidate.reaps ? candidate : { ...candidate, rounds: 1 }));
  const roundsOf = size({ 100: 20, 1000: 20, 5000: 10, 20000: 8 }, { 100: 3, 20000: 1 });
  for (const [count, rounds] of Object.entries(roundsOf)) {
    const settings = { rounds, candidates: count === '100' ? all : reaping, base: 'tini' };
    await record.compare('burst: ', settings, async (candidate) => {
      const [[ms, left]] = await asPid1(candidate, [helpers.burst, OUT, count]);
      if (left > 0) throw new Error(`${short(left)} zombies stay`);
      return { [`${short(Number(count))} zombies at one instant (ms)`]: ms };
    });
  }
}
