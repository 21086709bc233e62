// A signal to init as PID 1, until the workload's handler has answered; one at a time.
import { quantile } from '../../test/helpers/quantile.mjs';
import { helpers } from '../files.mjs';
import { asPid1, OUT } from '../processes.mjs';

export async function measure({ record, candidates, size }) {
  const settings = { candidates: candidates.filter(({ forwards }) => forwards), base: 'tini' };
  await record.compare('signal to workload: ', { rounds: size(10, 2), ...settings }, async (candidate) => {
    const us = (await asPid1(candidate, [helpers.latency, OUT, size(2000, 200), 0])).flat();
    return { 'p50 (µs)': quantile(us, 0.5), 'p99 (µs)': quantile(us, 0.99) };
  });
  const idleMs = size(3000, 500);
  await record.compare('signal to workload: ', { rounds: size(3, 1), ...settings }, async (candidate) => {
    const [[us]] = await asPid1(candidate, [helpers.latency, OUT, 1, idleMs]);
    return { [`the first, after ${idleMs / 1000} s (µs)`]: us };
  });
}
