// N zombies that become init's at one instant, as PID 1: how long until the last is reaped.
import { figuresOf, noteOf } from '../figures.mjs';
import { freshPath } from '../paths.mjs';
import { resultOf } from '../processes.mjs';
import { inRounds } from '../rounds.mjs';
import { median } from '../statistics.mjs';

export async function measure({ candidates, helpers, size, progress }) {
  const figures = [];
  const failures = [];
  for (const { count, rounds, isReapersOnly = false } of size.bursts) {
    const group = `burst: ${count.toLocaleString('en-US')} zombies at one instant`;
    const burst = async ({ line }) => {
      const out = freshPath('burst');
      const [ms, left] = (await resultOf(line([helpers.burst, `${count}`, out]), out)).split(' ').map(Number);
      return left > 0 ? { left } : { ms, left };
    };
    const run = (rounds, candidates) =>
      inRounds({ title: `burst of ${count}`, rounds, candidates, progress, measure: burst });
    const reaping = await run(
      rounds,
      candidates.filter(({ reaps }) => reaps),
    );
    // Each of them waits for the helper's patience to run out.
    const others = await run(1, isReapersOnly ? [] : candidates.filter(({ reaps }) => !reaps));
    figures.push(...figuresOf(group, 'ms', { ...reaping.values.ms, ...others.values.ms }, 'tini'));
    for (const left of [reaping.values.left, others.values.left]) {
      for (const [name, counts] of Object.entries(left ?? {})) {
        const usual = median(counts.filter(Number.isFinite));
        if (usual > 0) figures.push(noteOf(group, name, `${usual.toLocaleString('en-US')} zombies stay`));
      }
    }
    failures.push(...reaping.failures, ...others.failures);
  }
  return { figures, failures };
}
