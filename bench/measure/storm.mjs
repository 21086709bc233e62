// Orphans that end all the time, as PID 1: how many zombies there are at any moment, and what reaping them costs.
import { figuresOf } from '../figures.mjs';
import { freshPath } from '../paths.mjs';
import { resultOf } from '../processes.mjs';
import { inRounds } from '../rounds.mjs';

export async function measure({ candidates, helpers, size, progress }) {
  const { rate, seconds, rounds } = size.storm;
  const series = {};
  const storm = async ({ name, line }) => {
    const out = freshPath('storm');
    const text = await resultOf(line([helpers.storm, `${rate}`, `${seconds}`, out]), out);
    const [[orphans, cpuMs], ...samples] = text
      .trim()
      .split('\n')
      .map((row) => row.split(' ').map(Number));
    series[name] ??= samples.map(([ms, zombies]) => ({ ms, zombies }));
    const zombies = samples.map(([, count]) => count);
    return {
      max: Math.max(...zombies),
      mean: zombies.reduce((sum, count) => sum + count, 0) / zombies.length,
      cpuUs: (cpuMs * 1000) / orphans,
    };
  };
  const { values, failures } = await inRounds({
    title: 'storm',
    rounds,
    candidates,
    progress,
    measure: storm,
  });
  const group = `storm: ${rate.toLocaleString('en-US')} orphans a second for ${seconds} s`;
  return {
    figures: [
      ...figuresOf(`${group}, most zombies`, '', values.max ?? {}),
      ...figuresOf(`${group}, mean zombies`, '', values.mean ?? {}),
      ...figuresOf(`${group}, processor time of PID 1 for each`, 'µs', values.cpuUs ?? {}, 'tini'),
    ],
    failures,
    series,
  };
}
