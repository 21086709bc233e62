// N zombies that become init's at one instant, as PID 1: how long until the last is reaped.
import { helpers } from '../files.mjs';
import { rowsOf } from '../processes.mjs';
import { summarize } from '../statistics.mjs';

export async function measure({ record, candidates, size }) {
  for (const { count, rounds, isReapersOnly = false } of size.bursts) {
    const { ms, left = {} } = await record.inRounds(
      `burst of ${count}`,
      rounds,
      candidates
        .filter(({ reaps }) => reaps || !isReapersOnly)
        // With one that does not reap the helper's patience runs out.
        .map((candidate) => (candidate.reaps ? candidate : { ...candidate, rounds: 1 })),
      async ({ line }) => {
        const [[ms, left]] = await rowsOf((out) => line([helpers.burst, `${count}`, out]));
        return { ms: left > 0 ? undefined : ms, left };
      },
    );
    const group = `burst: ${count.toLocaleString('en-US')} zombies at one instant`;
    record.add(group, 'ms', ms, 'tini');
    for (const [name, counts] of Object.entries(left)) {
      const { median } = summarize(counts);
      if (median > 0) record.note(group, name, `${median.toLocaleString('en-US')} zombies stay`);
    }
  }
}
