// A report as Markdown: the figures by group, the targets, and what was left out.
import { short } from './numbers.mjs';
import { compareWithTargets } from './targets.mjs';

export function tablesOf({ about, kernel, versions, figures, leftOut }) {
  const groups = [...new Set(figures.map(({ group }) => group))];
  const targets = compareWithTargets(figures).map(({ name, most, measured, isMet }) => {
    return [name, short(most), short(measured), isMet ? 'met' : 'missed'];
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
  const spread = rounds > 1 ? `${short(p25)} to ${short(p75)}` : '';
  return [candidate, short(median), spread, ratio === undefined ? '' : short(ratio)];
}

function table(head, rows) {
  const lines = [head, ['---', '---:', '---:', '---:'], ...rows];
  const widths = head.map((_, column) => Math.max(...lines.map((cells) => cells[column].length)));
  const pad = (cell, column) => (column > 0 ? cell.padStart(widths[column]) : cell.padEnd(widths[column]));
  return ['', ...lines.map((cells) => `| ${cells.map(pad).join(' | ')} |`)];
}
