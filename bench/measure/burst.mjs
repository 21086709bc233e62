// N zombies that become init's at one instant, as PID 1: how long until the last is reaped.
import { rowsOf } from '../processes.mjs';
import { summarize, withCommas } from '../statistics.mjs';

export async function measure({ record, candidates, size }) {
  for (const { count, rounds, isReapersOnly = false } of size.bursts) {
    const group = `burst: ${withCommas(count)} zombies at one instant`;
    const inits = candidates
      .filter(({ reaps }) => reaps || !isReapersOnly)
      // With one that does not reap the helper's patience runs out.
      .map((candidate) => (candidate.reaps ? candidate : { ...candidate, rounds: 1 }));
    const { ms, left = {} } = await record.inRounds(group, rounds, inits, async ({ line }) => {
      const [[ms, left]] = await rowsOf(line, 'burst', count);
      return { ms: left > 0 ? undefined : ms, left };
    });
    record.add(group, 'ms', ms, 'tini');
    for (const [name, counts] of Object.entries(left)) {
      const { median } = summarize(counts);
      if (median > 0) record.note(group, name, `${withCommas(median)} zombies stay`);
    }
  }
}
