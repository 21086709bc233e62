// A report as lines for a terminal: the figures by group, the targets, and what was left out.
import { compareWithTargets } from './targets.mjs';

export function tableOf({ machine, versions, figures, leftOut }) {
  const { cpu, cores, memoryGib, kernel, node, load } = machine;
  const targets = compareWithTargets(figures).map(({ name, most, measured, isMet }) =>
    targetRow(`  ${name}`, number(most), number(measured), isMet ? 'met' : 'missed'),
  );
  const reasons = new Set(leftOut.map(({ candidate, reason }) => `  ${candidate}: ${reason}`));
  return [
    `${cpu}, ${cores} cores, ${memoryGib} GiB, ${kernel}, node ${node}, load before the run ${load.toFixed(1)}`,
    Object.entries(versions)
      .map((entry) => entry.join(' '))
      .join(', '),
    'Medians of all rounds, with the half of the rounds around them; ratios are of each round by itself.',
    ...[...new Set(figures.map(({ group }) => group))].flatMap((group) =>
      groupLines(figures.filter((figure) => figure.group === group)),
    ),
    ...section(targetRow('target', 'at most', 'measured'), targets),
    ...section('left out', [...reasons]),
  ];
}

function groupLines(figures) {
  const [{ group, unit }] = figures;
  const base = figures.find(({ ratio }) => ratio)?.ratio.to;
  const spread = figures.some(({ rounds }) => rounds > 1) ? 'p25 to p75' : '';
  const heads = ['median', spread, ...(base ? [`to ${base}`, spread] : [])];
  return ['', unit ? `${group} (${unit})` : group, row('', heads), ...figures.map(figureLine)];
}

function figureLine({ candidate, median, p25, p75, rounds, ratio, note }) {
  const name = `  ${candidate}`;
  if (note !== undefined) return `${name.padEnd(46)}${note}`;
  const spread = (range) => (rounds > 1 ? `${number(range.p25)} to ${number(range.p75)}` : '');
  const isCompared = ratio !== undefined && ratio.to !== candidate;
  const compared = isCompared ? [`x ${number(ratio.median)}`, spread(ratio)] : [];
  return row(name, [number(median), spread({ p25, p75 }), ...compared]);
}

function targetRow(title, most, measured, verdict = '') {
  return `${title.padEnd(74)}${most.padStart(10)}${measured.padStart(12)}   ${verdict}`.trimEnd();
}

function section(head, lines) {
  return lines.length === 0 ? [] : ['', head, ...lines];
}

function row(title, cells) {
  const widths = [10, 19, 21, 18];
  return (
    title.padEnd(46) +
    cells
      .map((cell, index) => cell.padStart(widths[index]))
      .join('')
      .trimEnd()
  );
}

function number(value) {
  const size = Math.abs(value);
  if (size >= 1000) return Math.round(value).toLocaleString('en-US');
  if (size >= 100) return value.toFixed(0);
  if (size >= 10) return value.toFixed(1);
  return Number.isInteger(value) ? `${value}` : size >= 0.1 ? value.toFixed(2) : value.toPrecision(2);
}
