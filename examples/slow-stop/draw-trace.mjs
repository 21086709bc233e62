// Draws a trace of subreaper: a row for each process, its programs as bars, the phases of the end in init's bar, forks and
// adoptions as arrows, signals as dots.

import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';

const WIDTH = 860;
const ROW = 32;
const margins = { marginTop: 48, marginBottom: 46, marginLeft: 120, marginRight: 30 };
const LETTER = 6.5;
const colours = {
  init: '#dee2e6',
  process: '#b4c2d0',
  phase: '#ffc9a8',
  fork: '#495057',
  adoption: '#c2255c',
};
const SIGNAL = '#1864ab';

/**
 * @param {{ traceEvents: readonly any[] }} trace
 * @param {string} title
 * @returns {string} SVG
 */
export function drawTrace({ traceEvents }, title) {
  const slices = traceEvents.filter(({ ph }) => ph === 'X');
  const [init] = slices;
  const seconds = (us) => (us - init.ts) / 1e6;
  // Names come in the order of the rows.
  const names = traceEvents.filter(({ name }) => name === 'thread_name');
  const rows = new Map(names.map(({ tid }, row) => [tid, row]));
  const place = ({ tid, ts }) => ({ row: rows.get(tid), at: seconds(ts) });
  const bars = slices.map((slice) => ({
    ...place(slice),
    name: slice.name,
    kind: slice === init ? 'init' : slice.cat,
    end: seconds(slice.ts + slice.dur),
  }));
  const dots = traceEvents
    .filter(({ ph }) => ph === 'i')
    .map((event) => ({ ...place(event), name: event.name }));
  // The ends of an arrow follow each other.
  const ends = traceEvents.filter(({ id }) => id !== undefined);
  const arrows = ends.flatMap((end, index) => {
    const before = ends[index - 1];
    return before?.id === end.id ? [{ kind: end.cat, from: place(before), to: place(end) }] : [];
  });
  const labels = names.map(({ args }) => args.name);
  return render(labels, seconds(init.ts + init.dur), [
    barsOf(bars, ['init', 'process'], 0.7),
    barsOf(bars, ['phase'], 0.5),
    ...arrowsOf(arrows),
    Plot.dot(dots, { x: 'at', y: 'row', r: 3.5, fill: SIGNAL }),
    Plot.text(dots, { x: 'at', y: 'row', text: 'name', dy: -16, fill: SIGNAL, fontSize: 10 }),
    Plot.text([title], { frameAnchor: 'top-left', dx: -112, dy: -40, fontSize: 14, fontWeight: 600 }),
    namesOf(bars, seconds(init.ts + init.dur)),
  ]);
}

function barsOf(bars, kinds, height) {
  const own = bars.filter(({ kind }) => kinds.includes(kind));
  const y1 = ({ row }) => row - height / 2;
  const y2 = ({ row }) => row + height / 2;
  const fill = ({ kind }) => colours[kind];
  return Plot.rect(own, { x1: 'at', x2: 'end', y1, y2, fill, stroke: 'white', strokeWidth: 0.5 });
}

/** The name of each bar that has room for it. */
function namesOf(bars, end) {
  const letters = ({ at, end: until }) => ((until - at) / end) * ((WIDTH - 150) / LETTER);
  const wide = bars.filter((bar) => letters(bar) > bar.name.length);
  return Plot.text(wide, { x: 'at', y: 'row', text: 'name', textAnchor: 'start', dx: 4 });
}

function arrowsOf(arrows) {
  return ['fork', 'adoption'].map((kind) =>
    Plot.arrow(
      arrows.filter((arrow) => arrow.kind === kind),
      {
        ...{
          x1: ({ from }) => from.at,
          y1: ({ from }) => from.row,
          x2: ({ to }) => to.at,
          y2: ({ to }) => to.row,
        },
        ...{ stroke: colours[kind], strokeWidth: 1.3, headLength: 7, bend: kind === 'adoption' ? 8 : 0 },
      },
    ),
  );
}

function render(labels, end, marks) {
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const height = labels.length * ROW + margins.marginTop + margins.marginBottom;
  const svg = Plot.plot({
    ...{ document, width: WIDTH, height, ...margins, marks },
    style: { fontSize: '12px', background: 'white', color: '#212529' },
    x: { label: 'seconds since init started', labelOffset: 40, grid: true, domain: [0, end] },
    y: {
      ...{ label: null, domain: [labels.length - 0.4, -0.6], tickSize: 0 },
      ...{ ticks: labels.map((_, row) => row), tickFormat: (row) => labels[row] },
    },
  });
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  // The page behind the image may be dark.
  return `${svg.outerHTML.replace('>', '><rect width="100%" height="100%" fill="white"/>')}\n`;
}
