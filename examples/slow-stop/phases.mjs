// Draws the phases of a stop, each as long as it may be: docs/stop.svg.
//
//   node examples/slow-stop/phases.mjs

import { writeFileSync } from 'node:fs';
import { colours, ground } from '../picture-colours.mjs';

/** The options of examples/kubernetes/deployment.yaml, in seconds. */
const [DELAY, TIMEOUT, GRACE, ENGINE] = [5, 20, 3, 30];
const SENT = DELAY;
const ENDED = DELAY + TIMEOUT;

const rows = [
  {
    name: 'engine',
    bars: [
      {
        from: 0,
        to: ENGINE,
        text: `its wait: terminationGracePeriodSeconds, --stop-timeout of docker run`,
        fill: colours.grayBar,
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
      { from: 0, to: SENT, text: '--stop-delay', fill: colours.yellowBar },
      { from: SENT, to: ENDED, text: '--stop-timeout', fill: colours.orangeBar },
      { from: ENDED, to: ENDED + GRACE, text: '--grace', fill: colours.redBar },
    ],
    signals: [],
  },
  {
    name: 'app',
    bars: [
      { from: 0, to: SENT, text: 'serves on', fill: colours.paleGreenBar },
      { from: SENT, to: ENDED, text: 'finishes its requests, and ends', fill: colours.greenBar },
    ],
    signals: [
      { at: SENT, text: 'SIGTERM' },
      { at: ENDED, text: 'SIGKILL to its whole tree, if it still runs', before: true },
    ],
  },
  {
    name: 'leftovers',
    bars: [{ from: ENDED, to: ENDED + GRACE, text: 'end', fill: colours.violetBar }],
    signals: [
      { at: ENDED, text: 'SIGTERM', before: true },
      { at: ENDED + GRACE, text: 'SIGKILL' },
    ],
  },
];

const [WIDTH, LEFT, RIGHT, TOP, ROW, BAR] = [660, 86, 72, 40, 62, 28];
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
        `<rect x="${x(from)}" y="${y}" width="${x(to) - x(from)}" height="${BAR}" fill="${fill}" stroke="${colours.ground}"/>` +
        text((x(from) + x(to)) / 2, y + 17, words, 'text-anchor="middle"'),
    ),
    ...signals.map(
      ({ at, text: words, before }) =>
        `<circle cx="${x(at)}" cy="${y}" r="4" fill="${colours.blue}"/>` +
        text(
          x(at) + (before ? -6 : 6),
          y - 6,
          words,
          `style="fill:${colours.blue}" ${before ? 'text-anchor="end"' : ''}`,
        ),
    ),
  ].join('\n');
}

writeFileSync(
  new URL('../../docs/stop.svg', import.meta.url),
  [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" role="img">`,
    '<title>The phases of a stop, each as long as it may be</title>',
    ground,
    ...grid,
    ...rows.map(drawRow),
    '</svg>\n',
  ].join('\n'),
);
