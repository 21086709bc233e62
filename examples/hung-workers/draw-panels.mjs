// Draws process trees side by side, as one SVG that reads on a light and on a dark page.

const WIDTH = 880;
const GAP = 16;
const PADDING = 18;
const ROW = 26;
const INDENT = 20;
const HEAD = 62;
const colours = { ink: '#212529', dim: '#495057', line: '#adb5bd', panel: '#f1f3f5', zombie: '#c92a2a' };
const sans = 'font-family="system-ui, sans-serif"';
const mono = 'font-family="ui-monospace, monospace" font-size="13"';

/**
 * @param {readonly { title: string, caption: string,
 *   rows: readonly { depth: number, text: string, isZombie: boolean }[] }[]} panels
 * @returns {string} SVG
 */
export function drawPanels(panels) {
  const width = (WIDTH - GAP * (panels.length + 1)) / panels.length;
  const most = Math.max(...panels.map(({ rows }) => rows.length));
  const height = HEAD + most * ROW + PADDING;
  const drawn = panels.map(
    (panel, index) =>
      `<g transform="translate(${GAP + index * (width + GAP)},${GAP})">${drawPanel(panel, width, height)}</g>`,
  );
  const description = panels.map(({ title, caption }) => `${title}. ${caption}`).join(' ');
  const size = { width: WIDTH, height: height + 2 * GAP };
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" width="${size.width}" role="img">`,
    `<title>${escaped(description)}</title>`,
    `<rect width="100%" height="100%" rx="10" fill="white"/>`,
    ...drawn,
    '</svg>\n',
  ].join('\n');
}

function drawPanel({ title, caption, rows }, width, height) {
  return [
    `<rect width="${width}" height="${height}" rx="8" fill="${colours.panel}"/>`,
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
  const fill = isZombie ? colours.zombie : colours.ink;
  const label = `<text x="${x}" y="${y}" ${mono} fill="${fill}">${escaped(isZombie ? `${text}  zombie` : text)}</text>`;
  return elbow + label;
}

function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
