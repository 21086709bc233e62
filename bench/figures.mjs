// Start-up and a burst of zombies beside tini, in one run and in turns. Ratios are what counts: machines differ.
// Usage: node bench/figures.mjs [rounds]    (needs cc, root or user namespaces, and tini if it is to be compared)
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

const rounds = Number(process.argv[2] ?? 40);
const root = resolve(import.meta.dirname, '..');
const subreaper = resolve(root, 'bin/subreaper');
const build = resolve(root, 'build');
const burst = resolve(build, 'burst');
const empty = resolve(build, 'empty.cjs');
mkdirSync(build, { recursive: true });
writeFileSync(empty, '');
execFileSync('cc', ['-O2', '-o', burst, resolve(root, 'bench/burst.c')]);

const hasTini = spawnSync('tini', ['--version']).status === 0;
const userNamespace = process.getuid() === 0 ? [] : ['--user', '--map-root-user'];
const asPid1 = (...line) => ['unshare', ...userNamespace, '--pid', '--fork', '--mount-proc', ...line];

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

/** Runs every candidate once a round, in alternating order, and prints medians and the medians of paired ratios. */
function compare(title, count, candidates, measure) {
  const names = Object.keys(candidates);
  const figures = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < count; round++) {
    if (process.stderr.isTTY) process.stderr.write(`\r${title}: ${round + 1}/${count}\x1b[K`);
    for (const name of round % 2 ? names : [...names].reverse())
      figures[name].push(measure(candidates[name]));
  }
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  console.log(`\n${title} (${count} rounds, medians)`);
  const [base] = names;
  for (const name of names) {
    const ratios = figures[name].map((value, index) => value / figures[base][index]);
    console.log(
      `  ${name.padEnd(28)} ${median(figures[name]).toFixed(2).padStart(8)} ms   x ${median(ratios).toFixed(2)}`,
    );
  }
}

function wallTime([file, ...args]) {
  const start = performance.now();
  const { status } = spawnSync(file, args, { stdio: 'ignore' });
  if (status !== 0) throw new Error(`${file} ended with ${status}`);
  return performance.now() - start;
}

console.log(`node ${process.version}, Linux ${execFileSync('uname', ['-r'], { encoding: 'utf8' }).trim()}`);
compare(
  'start to exit',
  rounds,
  {
    'node empty.cjs': ['node', empty],
    'subreaper -- true': [subreaper, '--', 'true'],
    'node bin/subreaper -- true': ['node', subreaper, '--', 'true'],
    ...(hasTini && { 'tini -- true': ['tini', '--', 'true'] }),
  },
  wallTime,
);
compare(
  '20,000 zombies at one instant, as PID 1',
  Math.ceil(rounds / 4),
  {
    ...(hasTini && { tini: asPid1('tini', '--', burst, '20000') }),
    subreaper: asPid1(subreaper, '--', burst, '20000'),
  },
  ([file, ...args]) => Number(execFileSync(file, args, { encoding: 'utf8' })),
);
