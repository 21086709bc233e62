// Draws a trace of subreaper: a row for each process, its programs as bars, the phases of the end in init's bar, forks and
// adoptions as arrows, signals as dots.

import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { colours, ground } from '../picture-colours.mjs';

const WIDTH = 660;
const ROW = 42;
/** Half the height of a bar, of a row. The arrows are seen between the bars. */
const HALF = 0.28;
const margins = { marginTop: 54, marginBottom: 46, marginLeft: 122, marginRight: 14 };
const LETTER = 6.8;
const fills = { init: colours.grayBar, process: colours.blueBar, phase: colours.orangeBar };
const strokes = { fork: colours.dim, adoption: colours.pink };

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
  const end = seconds(init.ts + init.dur);
  return render(labels, end, [
    Plot.text([title], { frameAnchor: 'top-left', dx: -112, dy: -44, fontSize: 14, fontWeight: 600 }),
    ...arrowsOf(arrows),
    barsOf(bars, ['init', 'process'], HALF),
    barsOf(bars, ['phase'], HALF * 0.75),
    ...signalsOf(dots),
    namesOf(bars, end),
  ]);
}

function barsOf(bars, kinds, half) {
  const own = bars.filter(({ kind }) => kinds.includes(kind));
  const y1 = ({ row }) => row - half;
  const y2 = ({ row }) => row + half;
  const fill = ({ kind }) => fills[kind];
  return Plot.rect(own, { x1: 'at', x2: 'end', y1, y2, fill, stroke: colours.ground, strokeWidth: 0.5 });
}

/** The name of each bar that has room for it. */
function namesOf(bars, end) {
  const width = WIDTH - margins.marginLeft - margins.marginRight;
  const hasRoom = ({ at, end: until, name }) => ((until - at) / end) * width > name.length * LETTER + 6;
  return Plot.text(bars.filter(hasRoom), { x: 'at', y: 'row', text: 'name', textAnchor: 'start', dx: 4 });
}

/** On the upper edge of a bar, so that neither the dot nor the name is on the bar's own name. */
function signalsOf(dots) {
  const place = { x: 'at', y: ({ row }) => row - HALF, fill: colours.blue };
  return [Plot.dot(dots, { ...place, r: 3.5 }), Plot.text(dots, { ...place, text: 'name', dy: -12 })];
}

/** From edge to edge of two bars. What is between them is drawn above the arrow. */
function arrowsOf(arrows) {
  return ['fork', 'adoption'].map((kind) => {
    const own = arrows
      .filter((arrow) => arrow.kind === kind)
      .map(({ from, to }) => ({ from, to, down: Math.sign(to.row - from.row) }));
    return Plot.arrow(own, {
      x1: ({ from }) => from.at,
      y1: ({ from, down }) => from.row + down * HALF,
      x2: ({ to }) => to.at,
      y2: ({ to, down }) => to.row - down * HALF,
      ...{ stroke: strokes[kind], strokeWidth: 1.5, headLength: 6 },
    });
  });
}

function render(labels, end, marks) {
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const height = labels.length * ROW + margins.marginTop + margins.marginBottom;
  const svg = Plot.plot({
    ...{ document, width: WIDTH, height, ...margins, marks },
    style: { fontSize: '12px', background: 'none', color: colours.ink },
    x: { label: 'seconds since init started', labelOffset: 40, grid: true, domain: [0, end] },
    y: {
      ...{ label: null, domain: [labels.length - 0.5, -0.5], tickSize: 0 },
      ...{ ticks: labels.map((_, row) => row), tickFormat: (row) => labels[row] },
    },
  });
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  return `${svg.outerHTML.replace('>', `>${ground}`)}\n`;
}
