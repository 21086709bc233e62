// The plots of a report, as SVG that a page can show in light or in dark. Plot draws into a document, which linkedom
// makes without a browser.
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';

const OURS = '#c2255c';
const OTHERS = '#495057';
const color = ({ candidate }) => (/subreaper|--|^SIGTERM/.test(candidate) ? OURS : OTHERS);

/** Each plot shows the figures whose group matches: a column for each facet, a row for each candidate, and for each n. */
const patterns = {
  start: /^start: (?<facet>exec to (workload|exit) .*)/,
  burst: /^burst: (?<facet>[\d,]+ zombies) .*/,
  signals: /^signal to workload: (?<facet>p\d\d .*)/,
  memory: /^idle (?<facet>alone: (resident|anonymous)|beside .* proportional) memory \(/,
  growth: /^growth: (?<n>[\d,]+) descendants, (?<facet>.*)/,
};
const titles = {
  start: 'Start: from exec to the workload, and to the end of init',
  burst: 'N zombies at one instant: ms until the last is reaped',
  signals: 'From a signal to init to the answer of the workload',
  memory: 'Memory of the idle init, in MiB',
  growth: 'One signal to N processes, and the end of all of them',
  storm: 'Zombies alive during a storm of orphans, counted every 20 ms',
};

/** Draws what the report has figures for. Candidates stand in the order of the report. */
export function plotAll({ figures, series, kernel }, folder) {
  function draw(name, rows, drawRows) {
    if (rows.length === 0) return;
    const svg = render(drawRows(rows), `${titles[name]} (${kernel})`);
    writeFileSync(resolve(folder, `${name}.svg`), svg);
  }
  for (const [name, pattern] of Object.entries(patterns)) {
    const rows = figures.flatMap((figure) => {
      const { facet, n } = pattern.exec(figure.group)?.groups ?? {};
      return facet ? { ...figure, facet, row: n ? `${figure.candidate}, ${n}` : figure.candidate } : [];
    });
    draw(name, rows, drawRanges);
  }
  const samples = Object.entries(series).flatMap(([candidate, own]) =>
    own.map(([ms, zombies]) => ({ candidate, seconds: ms / 1000, zombies })),
  );
  draw('storm', samples, drawStorm);
}

/** A dot for each median, and a line from the 25th to the 75th percentile. */
function drawRanges(rows) {
  const place = { fx: 'facet', y: 'row' };
  const text = { text: ({ median }) => shortNumber(median), textAnchor: 'start', dx: 7 };
  const domain = valuesOf(rows, 'candidate').flatMap((candidate) =>
    valuesOf(
      rows.filter((row) => row.candidate === candidate),
      'row',
    ),
  );
  return {
    height: domain.length * 26 + 116,
    y: { label: null, domain, tickSize: 0 },
    fx: { label: null, domain: valuesOf(rows, 'facet'), padding: 0.12 },
    x: {
      label: null,
      grid: true,
      type: 'log',
      ticks: 3,
      tickFormat: shortNumber,
      insetLeft: 4,
      insetRight: 46,
    },
    marks: [
      Plot.ruleY(rows, { ...place, x1: 'p25', x2: 'p75', stroke: color, strokeWidth: 3, strokeOpacity: 0.4 }),
      Plot.dot(rows, { ...place, x: 'median', fill: color, r: 3.5 }),
      Plot.text(rows, { ...place, x: ({ median, p75 }) => Math.max(median, p75), ...text, fill: color }),
    ],
  };
}

/** A strip for each candidate. The scale has room for zero and for thousands. */
function drawStorm(rows) {
  const domain = valuesOf(rows, 'candidate');
  const ticks = { ticks: [0, 10, 1000], tickFormat: shortNumber, grid: true };
  const area = {
    fy: 'candidate',
    x: 'seconds',
    y: 'zombies',
    z: 'candidate',
    curve: 'step-after',
    fill: color,
  };
  return {
    height: domain.length * 56 + 106,
    marginRight: 140,
    fy: { label: null, domain, padding: 0.18 },
    x: { label: 's', ticks: 6 },
    y: { label: null, type: 'symlog', constant: 1, domain: [0, 10_000], ...ticks },
    marks: [Plot.areaY(rows, area), Plot.ruleY([0])],
  };
}

function render({ marks, ...options }, title) {
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const font = { fontSize: 14, fontWeight: 600, lineAnchor: 'bottom' };
  const svg = Plot.plot({
    ...{ document, width: 760, marginTop: 54, marginBottom: 42, marginLeft: 156 },
    style: { fontSize: '12px', background: 'white', color: '#212529' },
    marks: [
      ...marks,
      Plot.text([title], { ...font, frameAnchor: 'top-left', facet: 'super', dx: -142, dy: -32 }),
    ],
    ...options,
  });
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  // The page behind the image may be dark.
  return `${svg.outerHTML.replace('>', '><rect width="100%" height="100%" fill="white"/>')}\n`;
}

function valuesOf(rows, key) {
  return [...new Set(rows.map((row) => row[key]))];
}

function shortNumber(value) {
  if (value >= 10_000) return `${Number((value / 1000).toPrecision(3))}k`;
  return `${Number(value.toPrecision(value >= 1000 ? 4 : 3))}`;
}
