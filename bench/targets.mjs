// What subreaper is to reach. A missed target fails nothing.

const isPrepared = /^subreaper, prepared$/;

/**
 * of: a pattern of groups. most: of the median, of its ratio to another candidate, or of what it has beyond another.
 * candidates: a pattern of their names, subreaper unless given.
 */
const targets = [
  { of: /^storm: processor time of PID 1 for each orphan/, most: 1 },
  { of: /^storm: system calls|^storm with .*: zombies left|^idle: (wake-ups|system calls)/, most: 0 },
  { of: /^idle: threads/, most: 4 },
  { of: /^in-process: over an empty package, start of/, most: 2, candidates: /^--/ },
  { of: /^in-process: over an empty package, anonymous memory of/, most: 1, candidates: /^--/ },
  { of: /^start: exec to workload/, most: 1.08, ratioTo: 'node empty.cjs' },
  { of: /^start: pinned to one core/, most: 1.45, ratioTo: 'node empty.cjs' },
  { of: /^start: pinned to one core/, most: 1.25, ratioTo: 'node empty.cjs', candidates: isPrepared },
  { of: /^bound: /, most: 1.1, ratioTo: 'spawn of subreaper --', candidates: /^spawnBound$/ },
  { of: /^burst: 100 /, most: 1, ratioTo: 'tini' },
  { of: /^burst: 20,000 /, most: 0.7, ratioTo: 'tini' },
  { of: /^signal to workload: p50/, most: 1.4, ratioTo: 'tini' },
  { of: /^signal to workload: p99/, most: 2, ratioTo: 'tini' },
  { of: /^idle alone: resident memory \(/, most: 0.5, ratioTo: 'bare node' },
  { of: /^crowd: second SIGTERM/, most: 1.2, ratioTo: 'beside 0 strangers', candidates: /^beside [^0]/ },
  { of: /^start: exec to workload/, most: 0.1, ratioTo: 'pm2-runtime' },
  { of: /^idle alone: (resident|anonymous) memory \(|^size: installed/, most: 0.5, ratioTo: 'pm2-runtime' },
  { of: /^idle alone: anonymous/, most: 0.7, beyond: 'bare node' },
  { of: /^idle alone: anonymous/, most: 0.7, beyond: 'bare node', candidates: isPrepared },
];

/** @returns a row for each target that there are figures for: its name, the most, the measured, whether it is met */
export function compareWithTargets(figures) {
  return targets.flatMap(({ of, most, ratioTo, beyond, candidates = /^subreaper$/ }) =>
    figures.flatMap(({ group, candidate, median, base, ratio }) => {
      if (!of.test(group) || !candidates.test(candidate)) return [];
      const to = ratioTo ?? beyond;
      const other = figures.find((figure) => figure.group === group && figure.candidate === to)?.median;
      // The median of the ratios of all rounds is better than the ratio of the medians.
      const ratioToOther = base === ratioTo ? ratio : median / other;
      const measured = ratioTo ? ratioToOther : median - (beyond ? other : 0);
      const name = [group, candidate, ...(to ? [`to ${to}`] : [])].join(', ');
      return Number.isFinite(measured) ? [[name, most, measured, measured <= most ? 'met' : 'missed']] : [];
    }),
  );
}
