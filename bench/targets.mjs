// What subreaper is to reach. A comparison, and no threshold: nothing fails on it.

// Each finds its number with `find`, which takes the start of a group, and a candidate that may be left out.
const value = (group, candidate) => (find) => find(group, candidate)?.median;
const ratio = (group, candidate) => (find) => find(group, candidate)?.ratio?.median;
const beside = (group, base) => (find) => find(group)?.median / find(group, base)?.median;
const beyond = (group, base) => (find) => find(group)?.median - find(group, base)?.median;

/** Each: its name, the most that it may be, and how it is found. */
const targets = [
  ['start to workload, to node empty.cjs', 1.08, ratio('start: exec to workload')],
  ['burst of 20,000, to tini', 1.1, ratio('burst: 20,000')],
  ['signal p50, to tini', 1.4, ratio('signal to workload: p50')],
  ['signal p99, to tini', 2, ratio('signal to workload: p99')],
  ['idle wake-ups a minute', 0, value('idle: wake-ups')],
  ['idle system calls a minute', 0, value('idle: system calls')],
  ['threads', 4, value('idle: threads')],
  ['anonymous memory beyond bare node, MiB', 0.5, beyond('idle alone: anonymous', 'bare node')],
  ['resident memory, to bare node', 0.5, ratio('idle alone: resident')],
  ...['--import', '--require'].flatMap((way) => [
    ...inProcess(`${way} subreaper/register`, 'a CommonJS app'),
    ...inProcess(`${way} subreaper/register`, 'an ESM app'),
  ]),
  ['start to workload, to pm2-runtime', 0.1, beside('start: exec to workload', 'pm2-runtime')],
  ['resident memory, to pm2-runtime', 0.5, beside('idle alone: resident', 'pm2-runtime')],
  ['anonymous memory, to pm2-runtime', 0.5, beside('idle alone: anonymous', 'pm2-runtime')],
  ['installed size, to pm2-runtime', 0.5, beside('size: installed', 'pm2-runtime')],
  ['end beside 3,000 strangers, to none', 1.2, ratio('crowd: second SIGTERM', 'beside 3,000 strangers')],
  ['end beside 30,000 strangers, to none', 1.2, ratio('crowd: second SIGTERM', 'beside 30,000 strangers')],
];

function inProcess(way, kind) {
  const memory = `in-process: added to the anonymous memory of ${kind}`;
  return [
    [`${way}: added to the start of ${kind}, ms`, 2, value(`in-process: added to the start of ${kind}`, way)],
    [`${way}: added to the memory of ${kind}, MiB`, 1, value(memory, way)],
  ];
}

/** @returns the targets that the figures say something about: { name, most, measured, isMet } */
export function compareWithTargets(figures) {
  const find = (group, candidate = 'subreaper') =>
    figures.find((figure) => figure.group.startsWith(group) && figure.candidate === candidate);
  return targets
    .map(([name, most, measure]) => ({ name, most, measured: measure(find) }))
    .filter(({ measured }) => Number.isFinite(measured))
    .map((target) => ({ ...target, isMet: target.measured <= target.most }));
}
