// A signal to init as PID 1, until the workload's handler has answered; one at a time.
import { rowsOf } from '../processes.mjs';
import { quantile } from '../statistics.mjs';

export async function measure({ record, candidates, size }) {
  const { count, rounds, idleMs, idleRounds } = size.signals;
  const forwarding = candidates.filter(({ forwards }) => forwards);
  const many = await record.inRounds('signals', rounds, forwarding, async ({ line }) => {
    const us = (await rowsOf(line, 'latency', count, 0)).flat();
    return { p50: quantile(us, 0.5), p99: quantile(us, 0.99) };
  });
  const first = await record.inRounds('first signal', idleRounds, forwarding, async ({ line }) => {
    const [[us]] = await rowsOf(line, 'latency', 1, idleMs);
    return { us };
  });
  record.add('signal to workload: p50', 'µs', many.p50, 'tini');
  for (const { name, forwards } of candidates) {
    if (!forwards) record.note('signal to workload: p50', name, 'does not forward it');
  }
  record.add('signal to workload: p99', 'µs', many.p99, 'tini');
  record.add(`signal to workload: the first, after ${idleMs / 1000} s`, 'µs', first.us, 'tini');
}
