// What subreaper is to reach. A comparison, and no threshold: nothing fails on it.

const ratio = (figure) => figure?.ratio?.median;
const value = (figure) => figure?.median;

/** Each finds its measured number with `find(start of the group, candidate)`, which gives that figure. */
const targets = [
  {
    name: 'start to workload, to node empty.cjs',
    most: 1.08,
    measured: (find) => ratio(find('start: exec to workload', 'subreaper')),
  },
  {
    name: 'burst of 20,000, to tini',
    most: 1.1,
    measured: (find) => ratio(find('burst: 20,000', 'subreaper')),
  },
  {
    name: 'signal p50, to tini',
    most: 1.4,
    measured: (find) => ratio(find('signal to workload: p50', 'subreaper')),
  },
  {
    name: 'signal p99, to tini',
    most: 2,
    measured: (find) => ratio(find('signal to workload: p99', 'subreaper')),
  },
  { name: 'idle wake-ups a minute', most: 0, measured: (find) => value(find('idle: wake-ups', 'subreaper')) },
  {
    name: 'idle system calls a minute',
    most: 0,
    measured: (find) => value(find('idle: system calls', 'subreaper')),
  },
  { name: 'threads', most: 4, measured: (find) => value(find('idle: threads', 'subreaper')) },
  {
    name: 'anonymous memory beyond bare node, MiB',
    most: 0.5,
    measured: (find) => difference(find, 'idle alone: anonymous', 'subreaper', 'bare node'),
  },
  {
    name: 'resident memory, to bare node',
    most: 0.5,
    measured: (find) => ratio(find('idle alone: resident', 'subreaper')),
  },
  ...['--import', '--require'].flatMap((way) =>
    ['a CommonJS app', 'an ESM app'].flatMap((kind) => [
      {
        name: `${way} subreaper/register: added to the start of ${kind}, ms`,
        most: 2,
        measured: (find) =>
          value(find(`in-process: added to the start of ${kind}`, `${way} subreaper/register`)),
      },
      {
        name: `${way} subreaper/register: added to the memory of ${kind}, MiB`,
        most: 1,
        measured: (find) =>
          value(find(`in-process: added to the anonymous memory of ${kind}`, `${way} subreaper/register`)),
      },
    ]),
  ),
  {
    name: 'start to workload, to pm2-runtime',
    most: 0.1,
    measured: (find) => quotient(find, 'start: exec to workload', 'subreaper', 'pm2-runtime'),
  },
  {
    name: 'resident memory, to pm2-runtime',
    most: 0.5,
    measured: (find) => quotient(find, 'idle alone: resident', 'subreaper', 'pm2-runtime'),
  },
  {
    name: 'anonymous memory, to pm2-runtime',
    most: 0.5,
    measured: (find) => quotient(find, 'idle alone: anonymous', 'subreaper', 'pm2-runtime'),
  },
  {
    name: 'installed size, to pm2-runtime',
    most: 0.5,
    measured: (find) => quotient(find, 'size: installed', 'subreaper', 'pm2-runtime'),
  },
];

/** @returns the targets that the figures say something about: { name, most, measured, isMet } */
export function compareWithTargets(figures) {
  const find = (group, candidate) =>
    figures.find((figure) => figure.group.startsWith(group) && figure.candidate === candidate);
  return targets
    .map(({ name, most, measured }) => ({ name, most, measured: measured(find) }))
    .filter(({ measured }) => Number.isFinite(measured))
    .map((target) => ({ ...target, isMet: target.measured <= target.most }));
}

function quotient(find, group, candidate, base) {
  return value(find(group, candidate)) / value(find(group, base));
}

function difference(find, group, candidate, base) {
  return value(find(group, candidate)) - value(find(group, base));
}
