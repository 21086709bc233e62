// The plots of a report, as SVG. Plot draws into a document, which linkedom makes without a browser.
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { colours, ground } from '../examples/picture-colours.mjs';
import { short } from './numbers.mjs';

const valuesOf = (rows, key) => [...new Set(rows.map((row) => row[key]))];
const color = ({ candidate }) => (/subreaper|--|^SIGTERM/.test(candidate) ? colours.pink : colours.dim);

/** A plot of figures: its title, and the groups that it shows. A column for each facet, a row for each candidate and n. */
const plots = {
  start: ['Start: from exec to the workload, and to the end of init', /^start: (?<facet>exec to .*)/],
  burst: ['N zombies at one instant: ms until the last is reaped', /^burst: (?<facet>[\d,]+ zombies) .*/],
  signals: ['From a signal to init to the answer of the workload', /^signal to workload: (?<facet>p\d\d .*)/],
  memory: ['Idle init: MiB', /^idle (?<facet>alone: (resident|anonymous)|beside .* proportional) memory \(/],
  growth: ['One signal to N processes, and their end', /^growth: (?<n>[\d,]+) descendants, (?<facet>.*)/],
};

/** Draws what the report has figures for. Candidates stand in the order of the report. */
export function plotAll({ figures, series, kernel }, folder) {
  function write(name, title, rows, draw) {
    const path = resolve(folder, `${name}.svg`);
    if (rows.length > 0) writeFileSync(path, render(draw(rows), `${title} (${kernel})`));
  }
  for (const [name, [title, pattern]] of Object.entries(plots)) {
    const rows = figures.flatMap((figure) => {
      const { facet, n } = pattern.exec(figure.group)?.groups ?? {};
      return facet ? { ...figure, facet, row: [figure.candidate, n].filter(Boolean).join(', ') } : [];
    });
    write(name, title, rows, drawRanges);
  }
  const samples = Object.entries(series).flatMap(([candidate, own]) =>
    own.map(([ms, zombies]) => ({ candidate, seconds: ms / 1000, zombies })),
  );
  write('storm', 'Zombies alive during a storm of orphans, counted every 20 ms', samples, drawStorm);
}

/** A dot for each median, and a line from the 25th to the 75th percentile. */
function drawRanges(rows) {
  const place = { fx: 'facet', y: 'row' };
  const label = { text: ({ median }) => short(median), textAnchor: 'start', dx: 7, fill: color };
  const domain = valuesOf(rows, 'row');
  return {
    height: domain.length * 26 + 116,
    marginRight: 40,
    y: { label: null, domain, tickSize: 0 },
    fx: { label: null, domain: valuesOf(rows, 'facet'), padding: 0.12 },
    x: { label: null, grid: true, type: 'log', ticks: 3, tickFormat: short, insetLeft: 4, insetRight: 46 },
    marks: [
      Plot.ruleY(rows, { ...place, x1: 'p25', x2: 'p75', stroke: color, strokeWidth: 3, strokeOpacity: 0.4 }),
      Plot.dot(rows, { ...place, x: 'median', fill: color, r: 3.5 }),
      Plot.text(rows, { ...place, x: 'p75', ...label }),
    ],
  };
}

/** A strip for each candidate. The scale has room for zero and for thousands. */
function drawStorm(rows) {
  const domain = valuesOf(rows, 'candidate');
  const place = { fy: 'candidate', x: 'seconds', y: 'zombies', z: 'candidate' };
  const ticks = { label: null, ticks: [0, 10, 1000], tickFormat: short, grid: true };
  return {
    height: domain.length * 56 + 106,
    marginRight: 140,
    fy: { label: null, domain, padding: 0.18 },
    x: { label: 's', ticks: 6 },
    y: { ...ticks, type: 'symlog', constant: 1, domain: [0, 10_000] },
    marks: [Plot.areaY(rows, { ...place, curve: 'step-after', fill: color }), Plot.ruleY([0])],
  };
}

function render({ marks, ...options }, title) {
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const style = { fontSize: '12px', background: 'none', color: colours.ink };
  const place = { facet: 'super', frameAnchor: 'top-left', lineAnchor: 'bottom', dx: -142, dy: -32 };
  const heading = Plot.text([title], { ...place, fontSize: 14, fontWeight: 600 });
  const margins = { marginTop: 54, marginBottom: 42, marginLeft: 156 };
  const svg = Plot.plot({ document, width: 760, style, ...margins, ...options, marks: [...marks, heading] });
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  return `${svg.outerHTML.replace('>', `>${ground}`)}\n`;
}
