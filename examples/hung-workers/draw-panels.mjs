// Draws process trees, as one SVG: in columns, or on a telephone one below the other.

import { colours, ground } from '../picture-colours.mjs';

const PANEL = 246;
const GAP = 12;
const PADDING = 14;
const ROW = 22;
const INDENT = 20;
const HEAD = 58;
const sans = 'font-family="system-ui, sans-serif"';
const mono = 'font-family="ui-monospace, monospace" font-size="13"';

/**
 * @param {readonly { title: string, caption: string,
 *   rows: readonly { depth: number, text: string, isZombie: boolean }[] }[]} panels
 * @param {number} columns
 * @returns {string} SVG
 */
export function drawPanels(panels, columns) {
  const heights = panels.map(({ rows }) => HEAD + rows.length * ROW + PADDING);
  const tops = [];
  let y = GAP;
  for (let first = 0; first < panels.length; first += columns) {
    // Panels beside each other are of one height.
    const line = heights.slice(first, first + columns);
    tops.push(...line.map(() => y));
    heights.fill(Math.max(...line), first, first + columns);
    y += Math.max(...line) + GAP;
  }
  const width = columns * (PANEL + GAP) + GAP;
  const x = (index) => GAP + (index % columns) * (PANEL + GAP);
  const description = panels.map(({ title, caption }) => `${title}. ${caption}`).join(' ');
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y}" width="${width}" role="img">`,
    `<title>${escaped(description)}</title>`,
    ground,
    ...panels.map(
      (panel, index) =>
        `<g transform="translate(${x(index)},${tops[index]})">${drawPanel(panel, heights[index])}</g>`,
    ),
    '</svg>\n',
  ].join('\n');
}

function drawPanel({ title, caption, rows }, height) {
  return [
    `<rect width="${PANEL}" height="${height}" rx="8" fill="${colours.panel}"/>`,
    `<text x="${PADDING}" y="28" ${sans} font-size="16" font-weight="600" fill="${colours.ink}">${escaped(title)}</text>`,
    `<text x="${PADDING}" y="49" ${sans} font-size="13" fill="${colours.dim}">${escaped(caption)}</text>`,
    ...rows.map((row, index) => drawRow(row, parentOf(rows, index), index)),
  ].join('\n');
}

/** The row above that is one generation older. */
function parentOf(rows, index) {
  for (let above = index - 1; above >= 0; above--) if (rows[above].depth < rows[index].depth) return above;
  return undefined;
}

const baseline = (index) => HEAD + index * ROW + 17;

function drawRow({ depth, text, isZombie }, parent, index) {
  const x = PADDING + depth * INDENT;
  const y = baseline(index);
  const elbow =
    parent === undefined
      ? ''
      : `<path d="M${x - INDENT + 6},${baseline(parent) + 6}V${y - 4}H${x - 4}" fill="none" stroke="${colours.line}"/>`;
  const fill = isZombie ? colours.red : colours.ink;
  const label = `<text x="${x}" y="${y}" ${mono} fill="${fill}">${escaped(isZombie ? `${text}  zombie` : text)}</text>`;
  return elbow + label;
}

function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
