// A signal and a burst while thousands of other processes live below init.
import { freshPath, helpers } from '../files.mjs';
import { rowsOf } from '../processes.mjs';
import { quantile } from '../statistics.mjs';

export async function measure({ record, candidates, size }) {
  const { count, rounds, signals, burst } = size.crowd;
  const both = candidates.filter(({ name }) => name === 'subreaper' || name === 'tini');
  for (const crowd of [0, count]) {
    const group = `crowd: among ${crowd.toLocaleString('en-US')} processes`;
    const { p50, p99, ms } = await record.inRounds(group, rounds, both, async ({ line }) => {
      const inCrowd = (...helper) => rowsOf((out) => line(withCrowd(crowd, [...helper, out])));
      const us = (await inCrowd(helpers.latency, `${signals}`)).flat();
      const [[ms]] = await inCrowd(helpers.burst, `${burst}`);
      return { p50: quantile(us, 0.5), p99: quantile(us, 0.99), ms };
    });
    record.add(`${group}, signal to workload p50`, 'µs', p50, 'tini');
    record.add(`${group}, signal to workload p99`, 'µs', p99, 'tini');
    record.add(`${group}, burst of ${burst.toLocaleString('en-US')}`, 'ms', ms, 'tini');
  }
}

/** A line that starts the crowd, and once it is there becomes the command. */
function withCrowd(count, command) {
  const script = '"$0" "$1" stay "$2" & while [ ! -e "$2" ]; do sleep 0.02; done; shift 2; exec "$@"';
  return ['sh', '-c', script, helpers.sleepers, `${count}`, freshPath(), ...command];
}
