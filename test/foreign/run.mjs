// Runs the suites of other packages (suites.mjs) in a bare node, and in one that loads subreaper/register, as PID 1 and
// not. An outcome of a test that most runs with subreaper/register show, and no bare run, is a difference, and makes the
// exit status 1. Flaky tests look like that by chance: while one does, all runs are repeated. A node that loads any
// module starts later and has more threads, which alone makes some tests fail. So half of the bare runs load one.
// Usage: node test/foreign/run.mjs [--node VERSION ...] [suite ...]    (needs apt, and root or user namespaces)
import { once } from 'node:events';
import { delimiter, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { namespaceObstacle, places, startInNamespace } from '../helpers/namespace.mjs';
import { installNode } from '../helpers/npm-node.mjs';
import { folderOf, installSuites, versionOf } from './install.mjs';
import { differences, flakyTests, readTap } from './outcomes.mjs';
import { suites } from './suites.mjs';

/** The oldest and the newest that subreaper supports. */
const defaultNodes = ['20', '26'];
const MOST_ROUNDS = 5;
const TIMEOUT_MS = 600_000;

const dist = resolve(import.meta.dirname, '../../dist');
/** In NODE_OPTIONS they reach every node that a suite starts. */
const bareWays = ['', `--import=${resolve(import.meta.dirname, 'late.mjs')}`];
const ways = {
  '--require': `--require=${dist}/register.cjs`,
  '--import': `--import=${dist}/register.mjs`,
};

const { values, positionals } = parseArgs({
  options: { node: { type: 'string', multiple: true, default: defaultNodes } },
  allowPositionals: true,
});
const unknown = positionals.find((name) => !suites.some((suite) => suite.name === name));
if (unknown !== undefined) throw new Error(`there is no suite '${unknown}'`);
const obstacle = namespaceObstacle();
if (obstacle !== undefined) throw new Error(`no PID namespace can be made: ${obstacle}`);

// The namespaces end with this process, but only if it exits.
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));

const chosen = suites.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
installSuites(suites);
const table = [];
for (const version of values.node) {
  const bin = installNode(version);
  for (const suite of chosen) {
    for (const [place, prefix] of Object.entries(places)) {
      const row = await compare(suite, prefix, bin);
      table.push({ suite: `${suite.name} ${versionOf(suite)}`, node: version, place, ...row });
      console.log(Object.values(table.at(-1)).join(' | '));
    }
  }
}
console.table(table);
process.exitCode = table.every((row) => row.differences === 0 && row.passed > 0) ? 0 : 1;

/** Compares all ways to load subreaper/register with a bare node. */
async function compare(suite, prefix, bin) {
  const run = (nodeOptions) => runSuite(suite, prefix, bin, nodeOptions);
  const bare = [];
  const registered = Object.fromEntries(Object.keys(ways).map((way) => [way, []]));
  let found = [];
  let rounds = 0;
  do {
    rounds++;
    for (const nodeOptions of bareWays) bare.push(await run(nodeOptions));
    for (const [way, nodeOptions] of Object.entries(ways)) registered[way].push(await run(nodeOptions));
    found = Object.entries(registered).flatMap(([way, runs]) =>
      differences(bare, runs).map((difference) => `${way}: ${difference}`),
    );
  } while (found.length > 0 && rounds < MOST_ROUNDS);
  for (const difference of found) console.log(`  ${difference}`);

  const count = (outcome) => [...bare[0].values()].filter((each) => each === outcome).length;
  return {
    passed: count('ok'),
    failed: count('not ok'),
    flaky: flakyTests(bare),
    'bare runs': bare.length,
    differences: found.length,
  };
}

/** @returns {Promise<import('./outcomes.mjs').Outcomes>} */
async function runSuite(suite, prefix, bin, nodeOptions) {
  const outcomes = new Map();
  for (const args of suite.runs) {
    const child = startInNamespace([...prefix, resolve(bin, 'node'), ...args], {
      cwd: folderOf(suite),
      env: { ...process.env, PATH: [bin, process.env['PATH']].join(delimiter), NODE_OPTIONS: nodeOptions },
      timeout: TIMEOUT_MS,
    });
    child.stderr.resume();
    const [tap, [code, signal]] = await Promise.all([text(child.stdout), once(child, 'close')]);
    const [program] = args;
    for (const [name, outcome] of readTap(tap)) outcomes.set(`${program}: ${name}`, outcome);
    outcomes.set(`${program}: exit status`, signal ?? (code === 0 ? 'success' : 'failure'));
  }
  return outcomes;
}
