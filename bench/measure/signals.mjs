// A signal to init as PID 1, until the workload's handler has answered; one at a time.
import { quantile } from '../../test/helpers/quantile.mjs';
import { rowsOf } from '../processes.mjs';

export async function measure({ record, candidates, size }) {
  const settings = { candidates: candidates.filter(({ forwards }) => forwards), base: 'tini' };
  await record.compare(
    { p50: 'signal to workload: p50 (µs)', p99: 'signal to workload: p99 (µs)' },
    { rounds: size(10, 2), ...settings },
    ({ line }) => signalTimes(line, size(2000, 200)),
  );
  const idleMs = size(3000, 500);
  await record.compare(
    { p50: `signal to workload: the first, after ${idleMs / 1000} s (µs)` },
    { rounds: size(3, 1), ...settings },
    ({ line }) => signalTimes(line, 1, idleMs),
  );
}

export async function signalTimes(line, count, idleMs = 0) {
  const us = (await rowsOf(line, 'latency', count, idleMs)).flat();
  return { p50: quantile(us, 0.5), p99: quantile(us, 0.99) };
}
