// A report as Markdown: the figures by group, the targets, and what was left out.
import { short } from './numbers.mjs';
import { compareWithTargets } from './targets.mjs';

export function tablesOf({ about, kernel, versions, figures, leftOut }) {
  const groups = [...new Set(figures.map(({ group }) => group))];
  const targets = compareWithTargets(figures);
  const reasons = new Set(leftOut.map(({ candidate, reason }) => `- ${candidate}: ${reason}`));
  return [
    about,
    `All figures are of ${kernel}. ${versions}.`,
    ...groups.flatMap((name) => {
      const own = figures.filter(({ group }) => group === name);
      const base = own.find(({ base }) => base)?.base;
      const rows = own.map(({ candidate, median, p25, p75, rounds, ratio = '' }) => {
        return [candidate, median, rounds > 1 ? `${short(p25)} to ${short(p75)}` : '', ratio];
      });
      return table([`${name}, ${kernel}`, 'median', 'p25 to p75', base ? `to ${base}` : ''], rows);
    }),
    ...(targets.length > 0 ? table(['target', 'at most', kernel, ''], targets) : []),
    ...(reasons.size > 0 ? ['', 'Left out:', '', ...reasons] : []),
    '',
  ].join('\n');
}

function table(head, rows) {
  const cells = rows.map((row) => row.map((cell) => (typeof cell === 'number' ? short(cell) : cell)));
  const lines = [head, ['---', '---:', '---:', '---:'], ...cells];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  const pad = (cell, column) => (column > 0 ? cell.padStart(widths[column]) : cell.padEnd(widths[column]));
  return ['', ...lines.map((line) => `| ${line.map(pad).join(' | ')} |`)];
}
