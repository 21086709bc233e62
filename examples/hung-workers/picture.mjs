// Runs the primary twice, as the demo does, and draws what each PID 1 is left with: docs/orphans.svg, and
// docs/orphans-narrow.svg for telephones.
//
//   npm run build && node examples/hung-workers/picture.mjs

import { writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { namespaceObstacle, startInNamespace } from '../../test/helpers/namespace.mjs';
import { drawPanels } from './draw-panels.mjs';

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const primary = path('primary.mjs');

const obstacle = namespaceObstacle();
if (obstacle !== undefined) throw new Error(`no PID namespace can be made: ${obstacle}`);
const bare = await run('node', primary);
const supervised = await run(path('../../bin/subreaper'), '--', 'node', primary);
const [, worker] = /worker (\d+) hangs/.exec(bare.output);

const panels = [
  {
    title: `Worker ${worker} hangs`,
    caption: 'The app SIGKILLs it.',
    rows: bare.hanging,
  },
  {
    title: 'Node as PID 1',
    caption: `3 such workers: ${bare.zombies} zombies stay.`,
    rows: [bare.hanging[0], ...bare.left.map((row) => ({ ...row, depth: 1 }))],
  },
  {
    title: 'subreaper as PID 1',
    caption: `3 such workers: ${supervised.zombies} zombies stay.`,
    rows: [...supervised.hanging.slice(0, 2), ...supervised.left.map((row) => ({ ...row, depth: 1 }))],
  },
];
writeFileSync(path('../../docs/orphans.svg'), drawPanels(panels, 3));
writeFileSync(path('../../docs/orphans-narrow.svg'), drawPanels(panels, 1));

/** Runs a command as PID 1. @returns the tree with the hung worker, and the zombies of the end */
async function run(...command) {
  const child = startInNamespace(command);
  child.stderr.pipe(process.stderr);
  const output = await text(child.stdout);
  return {
    output,
    hanging: treeAfter(output, 'hangs; it has shelled out'),
    left: [...output.matchAll(/^ +(\d+) {2}(\S+) +Z zombie/gm)].map(([, pid, name]) => ({
      text: `${pid} ${name}`,
      isZombie: true,
    })),
    zombies: Number(/zombies left: (\d+)/.exec(output)[1]),
  };
}

/** The rows of the first tree below a line: two columns of indentation, three more for each generation. */
function treeAfter(output, words) {
  const lines = output.split('\n');
  const below = lines.slice(lines.findIndex((line) => line.includes(words)) + 1);
  const tree = below.slice(
    0,
    below.findIndex((line) => !line.startsWith('  ')),
  );
  return tree.map((line) => {
    const start = line.search(/\d/);
    return { depth: (start - 2) / 3, text: line.slice(start), isZombie: false };
  });
}
