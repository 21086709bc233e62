// The plots of a report: files that a page can show as they are, in light or in dark. Plot makes SVG in a document;
// this one is of linkedom, so no browser is needed.
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';

const OURS = '#c2255c';
const OTHERS = '#495057';
const INK = '#212529';

/** Draws what the report has figures for. Candidates stand in the order of the report. */
export function plotAll({ figures, series }, folder) {
  const write = (name, rows, draw, options) => {
    if (rows.length > 0) writeFileSync(resolve(folder, `${name}.svg`), `${draw(rows, options)}\n`);
  };
  /** Figures whose group matches, with what the pattern captures. */
  const select = (pattern) =>
    figures.flatMap((figure) => {
      const captured = pattern.exec(figure.group)?.groups;
      return captured === undefined || figure.note !== undefined ? [] : [{ ...figure, ...captured }];
    });

  write('start', select(/^start: (?<facet>exec to (workload|exit))/), drawRanges, {
    title: 'Start: from exec to the workload, and to the end of init',
    unit: 'ms',
  });
  const bursts = select(/^burst: (?<facet>[\d,]+)/).filter(({ ratio }) => ratio !== undefined);
  const ratios = bursts.map((figure) => ({ ...figure, ...figure.ratio, label: figure.median }));
  write('burst', ratios, drawRanges, {
    title: 'N zombies at one instant: time until the last is reaped',
    unit: 'times tini’s; the label has the milliseconds',
    rules: [1],
  });
  write('signals', select(/^signal to workload: (?<facet>p50|p99)/), drawRanges, {
    title: 'From a signal to init to the answer of the workload',
    unit: 'µs',
  });
  write('event-loop-delay', select(/^in-process: event-loop delay, .*, (?<facet>p50|p99|max)$/), drawRanges, {
    title: 'Delay of an app’s event loop while orphans rain on it',
    unit: 'ms',
    marginLeft: 190,
  });
  const kinds = 'anonymous|file|proportional';
  write('memory', select(RegExp(`^idle (?<facet>alone|beside.*): (?<kind>${kinds}) memory$`)), drawMemory);
  write('storm', Object.entries(series), drawStorm);
  write('growth', select(/^growth: (?<count>[\d,]+) descendants, (?<facet>(one|end) .*)$/), drawGrowth);
}

/** A dot for the median and a line for the half of the rounds around it: a row a candidate, a column a facet. */
function drawRanges(rows, { title, unit, rules = [], marginLeft = 140 }) {
  const color = ({ candidate }) => (/subreaper/.test(candidate) ? OURS : OTHERS);
  const place = { fx: 'facet', y: 'candidate' };
  const line = { ...place, x1: 'p25', x2: 'p75', stroke: color, strokeWidth: 3, strokeOpacity: 0.4 };
  const end = ({ median, p75 }) => Math.max(median, p75);
  const text = ({ label, median }) => shortNumber(label ?? median);
  const ticks = { ticks: 3, tickFormat: shortNumber, insetLeft: 4, insetRight: 46 };
  return drawRows(rows, {
    title,
    marginLeft,
    fx: { label: null, domain: valuesOf(rows, 'facet'), padding: 0.12 },
    x: { label: unit, grid: true, type: 'log', ...ticks },
    marks: [
      ...rules.map((rule) => Plot.ruleX([rule], { stroke: '#868e96' })),
      Plot.ruleY(rows, line),
      Plot.dot(rows, { ...place, x: 'median', fill: color, r: 3.5 }),
      Plot.text(rows, { ...place, x: end, text, textAnchor: 'start', dx: 7, fill: color }),
    ],
  });
}

/** Resident memory in its two parts as a bar; the proportional one as a tick. */
function drawMemory(rows) {
  const of = (kind) => rows.filter((row) => row.kind === kind);
  const place = { fx: 'facet', y: 'candidate', x: 'median' };
  const fill = ({ kind }) => (kind === 'anonymous' ? OURS : '#f3c1d3');
  const parts = [...of('anonymous'), ...of('file')];
  return drawRows(rows, {
    title: 'Memory of the idle init: anonymous (dark), file-backed (light), proportional (tick)',
    marginLeft: 130,
    fx: { label: null, padding: 0.12 },
    x: { label: 'MiB', grid: true, ticks: 5 },
    marks: [
      Plot.barX(parts, { ...place, fill, order: 'kind', insetTop: 3, insetBottom: 3 }),
      Plot.tickX(of('proportional'), { ...place, stroke: INK, strokeWidth: 2 }),
    ],
  });
}

/** A strip for each candidate. Zero has its place, and so have thousands. */
function drawStorm(series) {
  const samples = series.flatMap(([candidate, own]) =>
    own.map(([ms, zombies]) => ({ candidate, ms, zombies })),
  );
  const fill = ({ candidate }) => (candidate === 'subreaper' ? OURS : OTHERS);
  const ticks = { ticks: [0, 10, 1000], tickFormat: shortNumber, grid: true };
  const area = { fy: 'candidate', x: 'ms', y: 'zombies', z: 'candidate', curve: 'step-after', fill };
  return draw({
    title: 'Zombies alive during a storm of orphans, counted every 20 ms',
    height: series.length * 56 + 80,
    marginLeft: 60,
    marginRight: 110,
    fy: { label: null, domain: valuesOf(samples, 'candidate'), padding: 0.18 },
    x: { label: 's', transform: (ms) => ms / 1000, ticks: 6 },
    y: { label: null, type: 'symlog', constant: 1, domain: [0, 10_000], ...ticks },
    marks: [Plot.areaY(samples, area), Plot.ruleY([0])],
  });
}

/** The dashed line is what linear growth from the first point on is. */
function drawGrowth(figures) {
  const rows = figures.map((row) => ({
    ...row,
    line: `${row.facet} ${row.candidate}`,
    count: Number(row.count.replaceAll(',', '')),
  }));
  const lines = valuesOf(rows, 'line').map((line) => rows.filter((row) => row.line === line));
  const linear = lines.flatMap((line) => {
    const [first, { count }] = [line[0], line.at(-1)];
    return [first, { ...first, count, median: (first.median * count) / first.count }];
  });
  const color = ({ candidate }) => (/tini|kill\(\)/.test(candidate) ? OTHERS : OURS);
  const path = { fx: 'facet', x: 'count', y: 'median', z: 'line' };
  const label = { ...path, y: 'labelAt', text: 'candidate', textAnchor: 'start', dx: 7, fill: color };
  const counts = { ticks: valuesOf(rows, 'count'), tickFormat: shortNumber, insetLeft: 10, insetRight: 95 };
  return draw({
    title: 'Live descendants: one signal to all of them, and the end of all of them, in ms',
    height: 360,
    marginLeft: 55,
    fx: { label: null, padding: 0.1, domain: valuesOf(rows, 'facet') },
    x: { type: 'log', label: 'descendants', ...counts },
    y: { type: 'log', label: null, insetTop: 18, grid: true, tickFormat: shortNumber, ticks: 5 },
    marks: [
      Plot.line(linear, { ...path, stroke: '#adb5bd', strokeDasharray: '3 3' }),
      Plot.line(rows, { ...path, stroke: color, strokeWidth: 2 }),
      Plot.dot(rows, { ...path, fill: color, r: 3 }),
      Plot.text(apart(lines.map((line) => line.at(-1))), label),
    ],
  });
}

/** Labels that stand one above the other: each well higher than the one below in its facet. */
function apart(ends) {
  const lowest = {};
  return ends
    .toSorted((a, b) => a.median - b.median)
    .map((end) => {
      const labelAt = Math.max(end.median, lowest[end.facet] ?? 0);
      lowest[end.facet] = labelAt * 1.45;
      return { ...end, labelAt };
    });
}

/** A row for each candidate. */
function drawRows(rows, options) {
  const domain = valuesOf(rows, 'candidate');
  return draw({ height: domain.length * 26 + 90, y: { label: null, domain, tickSize: 0 }, ...options });
}

function draw({ title, height, marks, ...options }) {
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const font = { fontSize: 14, fontWeight: 600, lineAnchor: 'bottom' };
  const place = { frameAnchor: 'top-left', facet: 'super', dx: 14 - options.marginLeft, dy: -32 };
  const svg = Plot.plot({
    document,
    width: 760,
    height: height + 26,
    marginTop: 54,
    marginBottom: 42,
    style: { fontSize: '12px', background: 'white', color: INK },
    marks: [...marks, Plot.text([title], { ...font, ...place })],
    ...options,
  });
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  // A page may be dark behind an image.
  return svg.outerHTML.replace('>', '><rect width="100%" height="100%" fill="white"/>');
}

function valuesOf(rows, key) {
  return [...new Set(rows.map((row) => row[key]))];
}

function shortNumber(value) {
  if (value >= 10_000) return `${Number((value / 1000).toPrecision(3))}k`;
  return `${Number(value.toPrecision(value >= 1000 ? 4 : 3))}`;
}
