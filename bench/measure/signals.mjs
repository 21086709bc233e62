// A signal to init as PID 1, until the workload's handler has answered; one at a time.
import { figuresOf, noteOf } from '../figures.mjs';
import { freshPath } from '../paths.mjs';
import { resultOf } from '../processes.mjs';
import { inRounds } from '../rounds.mjs';
import { quantile } from '../statistics.mjs';

export async function measure({ candidates, helpers, size, progress }) {
  const { count, rounds, idleMs, idleRounds } = size.signals;
  const forwarding = candidates.filter(({ forwards }) => forwards);
  const send = async ({ line }, count, idle) => {
    const out = freshPath('latency');
    const text = await resultOf(line([helpers.latency, `${count}`, out, `${idle}`]), out);
    if (text === '') throw new Error('no signal was answered');
    return text.trim().split('\n').map(Number);
  };
  const many = await inRounds({
    title: 'signals',
    rounds,
    candidates: forwarding,
    progress,
    measure: async (candidate) => {
      const us = await send(candidate, count, 0);
      return { p50: quantile(us, 0.5), p99: quantile(us, 0.99) };
    },
  });
  const first = await inRounds({
    title: 'first signal',
    rounds: idleRounds,
    candidates: forwarding,
    progress,
    measure: async (candidate) => ({ us: (await send(candidate, 1, idleMs))[0] }),
  });
  const groups = ['signal to workload: p50', 'signal to workload: p99'];
  return {
    figures: [
      ...figuresOf(groups[0], 'µs', many.values.p50 ?? {}, 'tini'),
      ...candidates
        .filter(({ forwards }) => !forwards)
        .map(({ name }) => noteOf(groups[0], name, 'does not forward it')),
      ...figuresOf(groups[1], 'µs', many.values.p99 ?? {}, 'tini'),
      ...figuresOf(
        `signal to workload: the first, after ${idleMs / 1000} s`,
        'µs',
        first.values.us ?? {},
        'tini',
      ),
    ],
    failures: [...many.failures, ...first.failures],
  };
}
