// The benchmark suite: subreaper beside other inits and bare node, all in one run and in alternating order.
// Writes bench/results.json, bench/plots/*.svg and a table. bench/README.md says what each figure means.
// Usage: node bench/run.mjs [--quick] [--only NAME,...] [--rounds N]    (needs cc, and root or user namespaces)
//   --quick   every measurement in a small form, within two minutes; writes to build/bench/ instead
//   --only    of start, burst, storm, signals, memory, idle, in-process, growth, crowd, size; writes to build/bench/ instead
//   --rounds  how many rounds of everything that is measured in rounds

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { findCandidates } from './candidates.mjs';
import { compileHelpers } from './compile.mjs';
import { describeMachine } from './machine.mjs';
import { measure as burst } from './measure/burst.mjs';
import { measure as crowd } from './measure/crowd.mjs';
import { measure as growth } from './measure/growth.mjs';
import { measure as idle } from './measure/idle.mjs';
import { measure as inProcess } from './measure/in-process.mjs';
import { measure as memory } from './measure/memory.mjs';
import { measure as signals } from './measure/signals.mjs';
import { measure as size } from './measure/size.mjs';
import { measure as start } from './measure/start.mjs';
import { measure as storm } from './measure/storm.mjs';
import { build, plots, results, root } from './paths.mjs';
import { plotAll } from './plots.mjs';
import { namespaceObstacle } from './processes.mjs';
import { progress } from './progress.mjs';
import { full, quick, withRounds } from './sizes.mjs';
import { tableOf } from './table.mjs';
import { compareWithTargets } from './targets.mjs';

const measures = { start, burst, storm, signals, memory, idle, 'in-process': inProcess, growth, crowd, size };

const { values: options } = parseArgs({
  options: { quick: { type: 'boolean' }, only: { type: 'string' }, rounds: { type: 'string' } },
});

process.exitCode = await main();

async function main() {
  const names = options.only?.split(',') ?? Object.keys(measures);
  const unknown = names.find((name) => measures[name] === undefined);
  if (unknown !== undefined)
    return fail(`there is no measurement ${unknown}; of ${Object.keys(measures).join(', ')}`);
  const rounds = options.rounds === undefined ? undefined : Number(options.rounds);
  if (rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0))
    return fail('--rounds takes a number from 1 up');
  if (!existsSync(resolve(root, 'dist/cli.cjs'))) return fail('dist/cli.cjs is missing; run npm run build');
  const obstacle = namespaceObstacle();
  if (obstacle !== undefined) return fail(`no PID namespace can be made, ${obstacle}; run it as root`);

  // The 'exit' event ends all that runs.
  for (const [signal, status] of Object.entries({ SIGINT: 130, SIGTERM: 143, SIGHUP: 129 })) {
    process.once(signal, () => process.exit(status));
  }

  const machine = describeMachine();
  const helpers = compileHelpers();
  const { candidates, missing } = findCandidates(progress);
  const context = {
    candidates,
    helpers,
    progress,
    size: withRounds(options.quick ? quick : full, rounds),
  };
  const measurements = [];
  const startedAt = performance.now();
  for (const name of names) measurements.push(await measure(name, context));
  progress.clear();

  const figures = measurements.flatMap((measurement) => measurement.figures);
  const report = {
    date: new Date().toISOString().slice(0, 10),
    quick: options.quick ?? false,
    seconds: Math.round((performance.now() - startedAt) / 1000),
    machine,
    versions: Object.fromEntries(candidates.map(({ name, version }) => [name, version])),
    missing,
    measurements,
    targets: compareWithTargets(figures),
  };
  await write(report);
  for (const line of tableOf(report)) console.log(line);
  console.log(`\n${report.seconds} s`);
  return 0;
}

/** A measurement that fails as a whole leaves the others alone. */
async function measure(name, context) {
  try {
    return { name, failures: [], ...(await measures[name](context)) };
  } catch (error) {
    return { name, figures: [], failures: [{ candidate: 'all', reason: `${name}: ${error.message}` }] };
  }
}

/** Only a whole run replaces what the README shows. */
async function write(report) {
  const isWhole = !options.quick && options.only === undefined;
  const folder = isWhole ? plots : resolve(build, 'plots');
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    isWhole ? results : resolve(build, 'results.json'),
    `${JSON.stringify(report, undefined, 2)}\n`,
  );
  await plotAll(report, folder);
}

function fail(message) {
  console.error(`bench: ${message}`);
  return 1;
}
