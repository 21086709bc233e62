// Runs the suites of other packages (suites.mjs) in a bare node, and in one that loads subreaper/register, as PID 1 and
// not. An outcome of a test that no bare run shows is a difference, and any difference makes the exit status 1. A bare
// run is repeated while it may still show that a test is flaky.
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
const FEWEST_BARE_RUNS = 2;
const MOST_BARE_RUNS = 6;
const TIMEOUT_MS = 600_000;

const dist = resolve(import.meta.dirname, '../../dist');
/** In NODE_OPTIONS they reach every node that a suite starts. */
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
  while (bare.length < FEWEST_BARE_RUNS) bare.push(await run(''));
  const registered = {};
  for (const [way, nodeOptions] of Object.entries(ways)) registered[way] = await run(nodeOptions);

  const findDifferences = () =>
    Object.entries(registered).flatMap(([way, outcomes]) =>
      differences(bare, outcomes).map((difference) => `${way}: ${difference}`),
    );
  while (findDifferences().length > 0 && bare.length < MOST_BARE_RUNS) bare.push(await run(''));
  for (const difference of findDifferences()) console.log(`  ${difference}`);

  const outcomes = [...bare[0].values()];
  const passed = outcomes.filter((outcome) => outcome === 'ok').length;
  return {
    tests: outcomes.length,
    passed,
    flaky: flakyTests(bare),
    'bare runs': bare.length,
    differences: findDifferences().length,
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
    const file = args.at(-1);
    for (const [name, outcome] of readTap(tap)) outcomes.set(`${file}: ${name}`, outcome);
    outcomes.set(`${file}: exit status`, signal ?? code);
  }
  return outcomes;
}
