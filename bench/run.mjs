// The benchmark suite: subreaper beside other inits and bare node, all in one run and in alternating order.
// Writes bench/results.json, bench/plots/*.svg and a table. bench/README.md has the options, and what each figure means.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { namespaceObstacle } from '../test/helpers/namespace.mjs';
import { findCandidates } from './candidates.mjs';
import { build, compileHelpers } from './files.mjs';
import { plotAll } from './plots.mjs';
import { createRecord, showProgress } from './record.mjs';
import { full, quick } from './sizes.mjs';
import { tableOf } from './table.mjs';

/** Each is a file of measure/. */
const measurements = 'start,burst,storm,signals,memory,idle,in-process,growth,crowd,size';

const { values: options } = parseArgs({
  options: { quick: { type: 'boolean' }, only: { type: 'string' }, redraw: { type: 'boolean' } },
});
const unknown = (options.only ?? measurements)
  .split(',')
  .filter((name) => !measurements.split(',').includes(name));
if (unknown.length > 0) {
  console.error(`bench: no measurement is called ${unknown.join(', ')}; there are ${measurements}`);
  process.exit(1);
}
/** Only a whole run replaces what the README shows. */
const folder = options.quick || options.only ? build : import.meta.dirname;
const results = resolve(folder, 'results.json');

// The 'exit' event ends all that runs.
for (const [signal, status] of Object.entries({ SIGINT: 130, SIGTERM: 143, SIGHUP: 129 })) {
  process.once(signal, () => process.exit(status));
}
if (!options.redraw) writeFileSync(results, format(await measureAll(options.only ?? measurements)));
const report = JSON.parse(readFileSync(results, 'utf8'));
mkdirSync(resolve(folder, 'plots'), { recursive: true });
plotAll(report, resolve(folder, 'plots'));
for (const line of [...tableOf(report), '', `${report.seconds} s`]) console.log(line);

async function measureAll(names) {
  const obstacle = namespaceObstacle();
  if (obstacle !== undefined) throw new Error(`no PID namespace can be made, ${obstacle}; run it as root`);
  const startedAt = performance.now();
  const machine = {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    kernel: `Linux ${release()}`,
    node: process.version,
    /** Of the last minute, before the run: what else there was to do. */
    load: loadavg()[0],
  };
  compileHelpers();
  const record = createRecord();
  const candidates = findCandidates(record);
  for (const name of names.split(',')) {
    try {
      const { measure } = await import(`./measure/${name}.mjs`);
      await measure({ record, candidates, size: options.quick ? quick : full });
    } catch (error) {
      // One that fails as a whole leaves the others alone.
      record.leaveOut('all', `${name}: ${error.message}`);
    }
  }
  showProgress();
  const { figures, leftOut, series } = record;
  return {
    date: new Date().toISOString().slice(0, 10),
    quick: options.quick ?? false,
    seconds: Math.round((performance.now() - startedAt) / 1000),
    machine,
    versions: Object.fromEntries(candidates.map(({ name, version }) => [name, version])),
    leftOut,
    figures,
    series,
  };
}

/** JSON with one figure a line, for readable diffs, and with four significant digits. */
function format({ figures, series, ...about }) {
  const rounded = (_, value) => (typeof value === 'number' ? Number(value.toPrecision(4)) : value);
  const line = (value) => JSON.stringify(value, rounded);
  const entries = (object) => Object.entries(object).map(([key, value]) => `"${key}": ${line(value)}`);
  return `{
  ${entries(about).join(',\n  ')},
  "figures": [
    ${figures.map(line).join(',\n    ')}
  ],
  "series": {
    ${entries(series).join(',\n    ')}
  }
}
`;
}
