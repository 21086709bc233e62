// A signal and a burst while thousands of other processes live below init.
import { rmSync } from 'node:fs';
import { figuresOf } from '../figures.mjs';
import { freshPath } from '../paths.mjs';
import { resultOf } from '../processes.mjs';
import { inRounds } from '../rounds.mjs';
import { quantile } from '../statistics.mjs';

/** Starts the crowd, and once it is there becomes the helper. */
const script = '"$0" "$1" stay "$2" & while [ ! -e "$2" ]; do sleep 0.02; done; exec "$3" "$4" "$5"';

export async function measure({ candidates, helpers, size, progress }) {
  const { count, rounds, signals, burst } = size.crowd;
  const figures = [];
  const failures = [];
  for (const crowd of [0, count]) {
    const run = await inRounds({
      title: `among ${crowd} processes`,
      rounds,
      candidates: candidates.filter(({ name }) => name === 'subreaper' || name === 'tini'),
      progress,
      measure: async ({ line }) => {
        const us = await runInCrowd(line, crowd, helpers.sleepers, [helpers.latency, `${signals}`]);
        const [[ms]] = await runInCrowd(line, crowd, helpers.sleepers, [helpers.burst, `${burst}`]);
        return { p50: quantile(us.flat(), 0.5), p99: quantile(us.flat(), 0.99), ms };
      },
    });
    const { p50 = {}, p99 = {}, ms = {} } = run.values;
    const group = `crowd: among ${crowd.toLocaleString('en-US')} processes`;
    figures.push(
      ...figuresOf(`${group}, signal to workload p50`, 'µs', p50, 'tini'),
      ...figuresOf(`${group}, signal to workload p99`, 'µs', p99, 'tini'),
      ...figuresOf(`${group}, burst of ${burst.toLocaleString('en-US')}`, 'ms', ms, 'tini'),
    );
    failures.push(...run.failures);
  }
  return { figures, failures };
}

/** @returns the numbers of the result, line by line */
async function runInCrowd(line, crowd, sleepers, helper) {
  const out = freshPath('crowd');
  const isThere = freshPath('crowd');
  const command = ['sh', '-c', script, sleepers, `${crowd}`, isThere, ...helper, out];
  try {
    const text = await resultOf(line(command), out);
    return text
      .trim()
      .split('\n')
      .map((row) => row.split(' ').map(Number));
  } finally {
    rmSync(isThere, { force: true });
  }
}
