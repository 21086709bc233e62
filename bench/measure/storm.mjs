// Orphans that end all the time, as PID 1: how many zombies there are at any moment, and what reaping them costs.
import { rowsOf } from '../processes.mjs';
import { withCommas } from '../statistics.mjs';

export async function measure({ record, candidates, size }) {
  const { rate, seconds, rounds } = size.storm;
  const values = await record.inRounds('storm', rounds, candidates, async ({ name, line }) => {
    const [[orphans, cpuMs], ...samples] = await rowsOf(line, 'storm', rate, seconds);
    record.series[name] ??= samples;
    const zombies = samples.map(([, count]) => count);
    return {
      most: Math.max(...zombies),
      mean: zombies.reduce((sum, count) => sum + count, 0) / zombies.length,
      cpuUs: (cpuMs * 1000) / orphans,
    };
  });
  const group = `storm: ${withCommas(rate)} orphans a second for ${seconds} s`;
  record.add(`${group}, most zombies`, '', values.most);
  record.add(`${group}, mean zombies`, '', values.mean);
  record.add(`${group}, processor time of PID 1 for each`, 'µs', values.cpuUs, 'tini');
}
