// N zombies that become init's at one instant, as PID 1: the time until the last is reaped.

import { withCommas } from '../numbers.mjs';
import { rowsOf } from '../processes.mjs';

export async function measure({ record, candidates, size }) {
  // One round of the smallest burst shows that an init does not reap.
  const reaping = candidates.filter(({ reaps }) => reaps);
  const others = candidates.filter(({ reaps }) => !reaps).map((candidate) => ({ ...candidate, rounds: 1 }));
  const full = { 100: 20, 1000: 20, 5000: 10, 20000: 8 };
  for (const [count, rounds] of Object.entries(size(full, { 100: 3, 20000: 1 }))) {
    await record.compare(
      { ms: `burst: ${withCommas(Number(count))} zombies at one instant (ms)` },
      { rounds, candidates: count === '100' ? [...reaping, ...others] : reaping, base: 'tini' },
      async ({ line }) => {
        const [[ms, left]] = await rowsOf(line, 'burst', count);
        if (left > 0) throw new Error(`${withCommas(left)} zombies stay`);
        return { ms };
      },
    );
  }
}
