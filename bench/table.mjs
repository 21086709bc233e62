/** @returns the lines of the table: the figures by group, with the ratios where there is something to compare with */
export function tableOf({ machine, versions, missing, measurements, targets }) {
  const { cpu, cores, memoryGib, kernel, node, load } = machine;
  return [
    `${cpu}, ${cores} cores, ${memoryGib} GiB, ${kernel}, node ${node}, load before the run ${load.toFixed(1)}`,
    Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', '),
    'Medians of all rounds, with the half of the rounds around them; ratios are of each round by itself.',
    ...measurements.flatMap(({ figures }) => groupLines(figures)),
    ...targetLines(targets),
    ...leftOutLines([...missing, ...measurements.flatMap(({ failures }) => failures)]),
  ];
}

function groupLines(figures) {
  return [...groupBy(figures)].flatMap(([group, own]) => {
    const base = own.find(({ ratio }) => ratio)?.ratio.to;
    const unit = own.find((figure) => figure.unit)?.unit;
    const spread = own.some(({ rounds }) => rounds > 1) ? 'p25 to p75' : '';
    const heads = ['median', spread, ...(base ? [`to ${base}`, spread] : [])];
    return ['', unit ? `${group} (${unit})` : group, row('', '', heads), ...own.map(figureLine)];
  });
}

function groupBy(figures) {
  const groups = new Map();
  for (const figure of figures) groups.set(figure.group, [...(groups.get(figure.group) ?? []), figure]);
  return groups;
}

function figureLine({ candidate, median, p25, p75, rounds, ratio, note }) {
  if (note !== undefined) return row(`  ${candidate}`, note, []);
  const spread = rounds > 1 ? `${number(p25)} to ${number(p75)}` : '';
  const isBase = ratio?.to === candidate;
  const compared =
    ratio && !isBase
      ? [`x ${number(ratio.median)}`, ratio.rounds > 1 ? `${number(ratio.p25)} to ${number(ratio.p75)}` : '']
      : [];
  return row(`  ${candidate}`, '', [number(median), spread, ...compared]);
}

function row(title, note, [first = '', second = '', third = '', fourth = ''] = []) {
  const cells =
    note || `${first.padStart(10)}${second.padStart(19)}${third.padStart(21)}${fourth.padStart(18)}`;
  return `${title.padEnd(46)}${cells}`.trimEnd();
}

function targetLines(targets) {
  if (targets.length === 0) return [];
  return [
    '',
    row('target', '', ['at most', 'measured']),
    ...targets.map(({ name, most, measured, isMet }) =>
      row(`  ${name}`, '', [number(most), number(measured), isMet ? 'met' : 'missed']),
    ),
  ];
}

function leftOutLines(leftOut) {
  if (leftOut.length === 0) return [];
  return ['', 'left out', ...new Set(leftOut.map(({ candidate, reason }) => `  ${candidate}: ${reason}`))];
}

function number(value) {
  const size = Math.abs(value);
  if (value === 0) return '0';
  if (size >= 1000) return Math.round(value).toLocaleString('en-US');
  if (size >= 100) return value.toFixed(0);
  if (size >= 10) return value.toFixed(1);
  return Number.isInteger(value) ? `${value}` : size >= 0.1 ? value.toFixed(2) : value.toPrecision(2);
}
