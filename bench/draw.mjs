// How the plots look. Plot makes SVG in a document; this one is of linkedom, so no browser is needed.
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';

const WIDTH = 760;
const ROW_HEIGHT = 26;
const TITLE_HEIGHT = 46;

const order = [
  'subreaper',
  'node bin/subreaper',
  'tini',
  'dumb-init',
  'catatonit',
  's6-svscan',
  'pm2-runtime',
  'bare node',
];
const ours = '#c2255c';
const kindColors = { anonymous: '#c2255c', file: '#f3c1d3' };

/** A dot for the median and a line for the half of the rounds around it: a row for each candidate, a column for each facet. */
export function drawRanges(rows, { title, unit, isLog = false, rule, marginLeft = 140 }) {
  const candidates = byOrder(rows);
  const isOurs = ({ candidate }) => /subreaper/.test(candidate);
  const color = (row) => (isOurs(row) ? ours : '#495057');
  return draw({
    title,
    height: candidates.length * ROW_HEIGHT + 90,
    marginLeft,
    fx: { label: null, domain: [...new Set(rows.map(({ facet }) => facet))], padding: 0.12 },
    x: {
      label: unit,
      grid: true,
      type: isLog ? 'log' : 'linear',
      ticks: isLog ? 3 : 4,
      tickFormat: shortNumber,
      nice: !isLog,
      insetLeft: 4,
      insetRight: 46,
      ...(!isLog && { zero: true }),
    },
    y: { label: null, domain: candidates, tickSize: 0 },
    marks: [
      ...(rule === undefined ? [] : [Plot.ruleX([rule], { stroke: '#868e96' })]),
      Plot.ruleY(rows, {
        fx: 'facet',
        y: 'candidate',
        x1: 'p25',
        x2: 'p75',
        stroke: color,
        strokeWidth: 3,
        strokeOpacity: 0.4,
      }),
      Plot.dot(rows, { fx: 'facet', y: 'candidate', x: 'median', fill: color, r: 3.5 }),
      Plot.text(rows, {
        fx: 'facet',
        y: 'candidate',
        x: (row) => Math.max(row.median, row.p75),
        text: ({ label }) => shortNumber(label),
        textAnchor: 'start',
        dx: 7,
        fill: color,
      }),
    ],
  });
}

/** Resident memory in its two parts as a bar; the proportional one as a tick. */
export function drawMemory(rows) {
  const candidates = byOrder(rows);
  const parts = rows.filter(({ kind }) => kind !== 'proportional');
  const proportional = rows.filter(({ kind }) => kind === 'proportional');
  return draw({
    title: 'Memory of the idle init: anonymous (dark), file-backed (light), proportional (tick)',
    height: candidates.length * ROW_HEIGHT + 90,
    marginLeft: 130,
    fx: { label: null, padding: 0.12 },
    x: { label: 'MiB', grid: true, ticks: 5 },
    y: { label: null, domain: candidates, tickSize: 0 },
    marks: [
      Plot.barX(parts, {
        fx: 'facet',
        y: 'candidate',
        x: 'median',
        fill: ({ kind }) => kindColors[kind],
        order: ({ kind }) => Object.keys(kindColors).indexOf(kind),
        insetTop: 3,
        insetBottom: 3,
      }),
      Plot.tickX(proportional, {
        fx: 'facet',
        y: 'candidate',
        x: 'median',
        stroke: '#212529',
        strokeWidth: 2,
      }),
    ],
  });
}

/** A strip for each candidate. Zero has its place, and so have thousands. */
export function drawStorm(entries) {
  const samples = entries.flatMap(([candidate, own]) => own.map((sample) => ({ candidate, ...sample })));
  const candidates = byOrder(samples);
  return draw({
    title: 'Zombies alive during a storm of orphans, counted every 20 ms',
    height: candidates.length * 56 + 80,
    marginLeft: 60,
    marginRight: 110,
    fy: { label: null, domain: candidates, padding: 0.18 },
    x: { label: 's', transform: (ms) => ms / 1000, ticks: 6 },
    y: {
      label: null,
      type: 'symlog',
      constant: 1,
      domain: [0, 10_000],
      ticks: [0, 10, 1000],
      tickFormat: shortNumber,
      grid: true,
    },
    marks: [
      Plot.areaY(samples, {
        fy: 'candidate',
        x: 'ms',
        y: 'zombies',
        curve: 'step-after',
        fill: ({ candidate }) => (candidate === 'subreaper' ? ours : '#495057'),
        z: 'candidate',
      }),
      Plot.ruleY([0]),
    ],
  });
}

/** The dashed line is what linear growth from the first point on is. */
export function drawGrowth(rows) {
  const lines = [...groupBy(rows, ({ facet, candidate }) => `${facet} ${candidate}`).values()];
  const linear = lines.flatMap(([first, ...rest]) =>
    rest.length === 0
      ? []
      : [
          first,
          { ...first, count: rest.at(-1).count, median: (first.median * rest.at(-1).count) / first.count },
        ],
  );
  const ends = [
    ...groupBy(
      lines.map((line) => line.at(-1)),
      ({ facet }) => facet,
    ).values(),
  ].flatMap(apart);
  const color = ({ candidate }) => (/tini|kill\(\)/.test(candidate) ? '#495057' : ours);
  const path = { fx: 'facet', x: 'count', y: 'median', z: ({ facet, candidate }) => `${facet} ${candidate}` };
  return draw({
    title: 'Live descendants: one signal to all of them, and the end of all of them, in ms',
    height: 360,
    marginLeft: 55,
    fx: { label: null, padding: 0.1, domain: [...new Set(rows.map(({ facet }) => facet))] },
    x: {
      type: 'log',
      label: 'descendants',
      ticks: [...new Set(rows.map(({ count }) => count))],
      tickFormat: shortNumber,
      insetLeft: 10,
      insetRight: 95,
    },
    y: { type: 'log', label: null, insetTop: 18, grid: true, tickFormat: shortNumber, ticks: 5 },
    marks: [
      Plot.line(linear, { ...path, stroke: '#adb5bd', strokeDasharray: '3 3' }),
      Plot.line(rows, { ...path, stroke: color, strokeWidth: 2 }),
      Plot.dot(rows, { ...path, fill: color, r: 3 }),
      Plot.text(ends, {
        fx: 'facet',
        x: 'count',
        y: 'labelAt',
        text: 'candidate',
        textAnchor: 'start',
        dx: 7,
        fill: color,
      }),
    ],
  });
}

/** Labels that stand one above the other: each well higher than the one below. */
function apart(ends) {
  let lowest = 0;
  return ends
    .toSorted((a, b) => a.median - b.median)
    .map((end) => {
      const labelAt = Math.max(end.median, lowest);
      lowest = labelAt * 1.45;
      return { ...end, labelAt };
    });
}

function draw({ title, height, ...options }) {
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const svg = Plot.plot({
    document,
    width: WIDTH,
    height: height + TITLE_HEIGHT - 20,
    marginTop: TITLE_HEIGHT + 8,
    marginBottom: 42,
    style: { fontSize: '12px', background: 'white', color: '#212529' },
    ...options,
  });
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  const make = (name, attributes, text) => {
    const element = document.createElementNS('http://www.w3.org/2000/svg', name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text !== undefined) element.textContent = text;
    return element;
  };
  // A page may be dark behind an image.
  svg.prepend(make('rect', { width: '100%', height: '100%', fill: 'white' }));
  svg.append(
    make(
      'text',
      { x: 14, y: 22, 'text-anchor': 'start', 'font-size': 14, 'font-weight': 600, fill: '#212529' },
      title,
    ),
  );
  return svg.outerHTML;
}

function byOrder(rows) {
  const place = (name) => (order.includes(name) ? order.indexOf(name) : order.length);
  return [...new Set(rows.map(({ candidate }) => candidate))].sort((a, b) => place(a) - place(b));
}

function groupBy(list, keyOf) {
  const groups = new Map();
  for (const item of list) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}

function shortNumber(value) {
  if (value >= 10_000) return `${Number((value / 1000).toPrecision(3))}k`;
  return `${Number(value.toPrecision(value >= 1000 ? 4 : 3))}`;
}
