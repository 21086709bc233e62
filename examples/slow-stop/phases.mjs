// Draws the phases of a stop, each as long as it may be: docs/stop.svg.
//
//   node examples/slow-stop/phases.mjs

import { writeFileSync } from 'node:fs';

/** The options of examples/kubernetes/deployment.yaml, in seconds. */
const [DELAY, TIMEOUT, GRACE, ENGINE] = [5, 20, 3, 30];
const SENT = DELAY;
const ENDED = DELAY + TIMEOUT;

const colours = { ink: '#212529', dim: '#495057', grid: '#dee2e6', signal: '#1864ab' };
const rows = [
  {
    name: 'engine',
    bars: [
      {
        from: 0,
        to: ENGINE,
        text: `its wait: terminationGracePeriodSeconds, --stop-timeout of docker run`,
        fill: '#e9ecef',
      },
    ],
    signals: [
      { at: 0, text: 'SIGTERM' },
      { at: ENGINE, text: 'SIGKILL' },
    ],
  },
  {
    name: 'subreaper',
    bars: [
      { from: 0, to: SENT, text: '--stop-delay', fill: '#ffd8a8' },
      { from: SENT, to: ENDED, text: '--stop-timeout', fill: '#ffc9a8' },
      { from: ENDED, to: ENDED + GRACE, text: '--grace', fill: '#ffa8a8' },
    ],
    signals: [],
  },
  {
    name: 'app',
    bars: [
      { from: 0, to: SENT, text: 'serves on', fill: '#c3fae8' },
      { from: SENT, to: ENDED, text: 'finishes its requests, and ends', fill: '#96f2d7' },
    ],
    signals: [
      { at: SENT, text: 'SIGTERM' },
      { at: ENDED, text: 'SIGKILL to its whole tree, if it still runs', before: true },
    ],
  },
  {
    name: 'leftovers',
    bars: [{ from: ENDED, to: ENDED + GRACE, text: 'end', fill: '#d0bfff' }],
    signals: [
      { at: ENDED, text: 'SIGTERM', before: true },
      { at: ENDED + GRACE, text: 'SIGKILL' },
    ],
  },
];

const [WIDTH, LEFT, RIGHT, TOP, ROW, BAR] = [880, 90, 70, 34, 64, 26];
const x = (seconds) => LEFT + (seconds / ENGINE) * (WIDTH - LEFT - RIGHT);
const height = TOP + rows.length * ROW + 34;
const bottom = TOP + rows.length * ROW;
const text = (at, y, words, more = '') =>
  `<text x="${at}" y="${y}" font-family="system-ui, sans-serif" font-size="12" fill="${colours.ink}" ${more}>${words}</text>`;

const grid = [0, DELAY, ENDED, ENDED + GRACE, ENGINE].map(
  (seconds) =>
    `<path d="M${x(seconds)},${TOP - 10}V${bottom}" stroke="${colours.grid}"/>` +
    text(x(seconds), bottom + 18, `${seconds} s`, 'text-anchor="middle"'),
);

function drawRow({ name, bars, signals }, index) {
  const y = TOP + index * ROW + 20;
  return [
    text(14, y + 17, name, 'font-weight="600"'),
    ...bars.map(
      ({ from, to, text: words, fill }) =>
        `<rect x="${x(from)}" y="${y}" width="${x(to) - x(from)}" height="${BAR}" fill="${fill}" stroke="white"/>` +
        text((x(from) + x(to)) / 2, y + 17, words, 'text-anchor="middle"'),
    ),
    ...signals.map(
      ({ at, text: words, before }) =>
        `<circle cx="${x(at)}" cy="${y}" r="4" fill="${colours.signal}"/>` +
        text(
          x(at) + (before ? -6 : 6),
          y - 6,
          words,
          `style="fill:${colours.signal}" ${before ? 'text-anchor="end"' : ''}`,
        ),
    ),
  ].join('\n');
}

writeFileSync(
  new URL('../../docs/stop.svg', import.meta.url),
  [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" role="img">`,
    '<title>The phases of a stop, each as long as it may be</title>',
    '<rect width="100%" height="100%" rx="10" fill="white"/>',
    ...grid,
    ...rows.map(drawRow),
    '</svg>\n',
  ].join('\n'),
);
