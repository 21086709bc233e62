// What subreaper is to reach. A missed target fails nothing.

const overEmpty = 'in-process: over an empty package,';

/** Each: the start of a group, the most that subreaper, or another candidate, may have. */
const values = [
  ['storm: processor time of PID 1 for each orphan', 1],
  ['storm: system calls of PID 1', 0],
  ['storm with init stopped: zombies left', 0],
  ['storm with init limited to 1 % of a processor: zombies left', 0],
  ['idle: wake-ups a minute', 0],
  ['idle: system calls a minute', 0],
  ['idle: threads', 4],
  ...['a CommonJS app', 'an ESM app'].flatMap((kind) =>
    ['--import', '--require'].flatMap((way) => [
      [`${overEmpty} start of ${kind}`, 2, way],
      [`${overEmpty} anonymous memory of ${kind}`, 1, way],
    ]),
  ),
];
/** The same for the ratio to the candidate that the group is compared with. */
const ratios = [
  ['start: exec to workload', 1.08],
  ['start: pinned to one core, exec to exit', 1.25],
  ['start: pinned to one core, user and system time', 1.3],
  ['burst: 100 ', 1],
  ['burst: 20,000 ', 0.7],
  ['signal to workload: p50', 1.4],
  ['signal to workload: p99', 2],
  ['idle alone: resident', 0.5],
  ['crowd: second SIGTERM', 1.2, 'beside 3,000 strangers'],
  ['crowd: second SIGTERM', 1.2, 'beside 30,000 strangers'],
];
/** The same for the ratio to pm2-runtime. */
const ratiosToPm2 = [
  ['start: exec to workload', 0.1],
  ['idle alone: resident', 0.5],
  ['idle alone: anonymous', 0.5],
  ['size: installed', 0.5],
];
/** The same for the difference to bare node. */
const beyondNode = [['idle alone: anonymous', 0.5]];

/** @returns the targets that the figures say something about: { name, most, measured, isMet } */
export function compareWithTargets(figures) {
  const find = (start, candidate) =>
    figures.find((figure) => figure.group.startsWith(start) && figure.candidate === candidate);
  const compare = (rows, measure, base) =>
    rows.flatMap(([start, most, candidate = 'subreaper']) => {
      const figure = find(start, candidate);
      const measured = figure && measure(figure, find(start, base));
      if (!Number.isFinite(measured)) return [];
      const to = base ?? (measured === figure.ratio ? figure.base : undefined);
      const name = [figure.group, candidate, ...(to ? [`to ${to}`] : [])].join(', ');
      return [{ name, most, measured, isMet: measured <= most }];
    });
  return [
    ...compare(values, ({ median }) => median),
    ...compare(ratios, ({ ratio }) => ratio),
    ...compare(ratiosToPm2, ({ median }, pm2) => median / pm2?.median, 'pm2-runtime'),
    ...compare(beyondNode, ({ median }, node) => median - node?.median, 'bare node'),
  ];
}
