// A report as Markdown: the figures by group, the targets, and what was left out.
import { compareWithTargets } from './targets.mjs';

export function tablesOf({ about, kernel, versions, figures, leftOut }) {
  const groups = [...new Set(figures.map(({ group }) => group))];
  const targets = compareWithTargets(figures).map(({ name, most, measured, isMet }) => {
    return [name, number(most), number(measured), isMet ? 'met' : 'missed'];
  });
  const reasons = new Set(leftOut.map(({ candidate, reason }) => `- ${candidate}: ${reason}`));
  return [
    about,
    `All figures are of ${kernel}. ${versions}.`,
    ...groups.flatMap((name) => {
      const own = figures.filter(({ group }) => group === name);
      const base = own.find(({ base }) => base)?.base;
      return table(
        [`${name}, ${kernel}`, 'median', 'p25 to p75', base ? `to ${base}` : ''],
        own.map(cellsOf),
      );
    }),
    ...(targets.length > 0 ? table(['target', 'at most', kernel, ''], targets) : []),
    ...(reasons.size > 0 ? ['', 'Left out:', '', ...reasons] : []),
    '',
  ].join('\n');
}

function cellsOf({ candidate, median, p25, p75, rounds, ratio }) {
  const spread = rounds > 1 ? `${number(p25)} to ${number(p75)}` : '';
  return [candidate, number(median), spread, ratio === undefined ? '' : number(ratio)];
}

function table(head, rows) {
  const lines = [head, ['---', '---:', '---:', '---:'], ...rows];
  const widths = head.map((_, column) => Math.max(...lines.map((cells) => cells[column].length)));
  const pad = (cell, column) => (column > 0 ? cell.padStart(widths[column]) : cell.padEnd(widths[column]));
  return ['', ...lines.map((cells) => `| ${cells.map(pad).join(' | ')} |`)];
}

function number(value) {
  const size = Math.abs(value);
  if (size >= 1000) return Math.round(value).toLocaleString('en-US');
  if (size >= 100) return value.toFixed(0);
  if (size >= 10) return value.toFixed(1);
  return Number.isInteger(value) ? `${value}` : size >= 0.1 ? value.toFixed(2) : value.toPrecision(2);
}
