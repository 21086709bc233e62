// The benchmark suite: bench/README.md has the options, and what each figure means.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { namespaceObstacle, raiseMachinePidMax } from '../test/helpers/namespace.mjs';
import { showProgress } from '../test/helpers/progress.mjs';
import { findCandidates } from './candidates.mjs';
import { build, compileHelpers } from './files.mjs';
import { plotAll } from './plots.mjs';
import { createRecord } from './record.mjs';
import { tablesOf } from './table.mjs';

/** In the order of a whole run. Each is a function of a file in measure/. */
const order = 'start,bound,burst,storm,signals,memory,idle,in-process,growth,crowd,size';
const files = ['start', 'orphans', 'signals', 'idle', 'in-process', 'size'];
const modules = await Promise.all(files.map((file) => import(`./measure/${file}.mjs`)));
const measurements = Object.assign({}, ...modules);

const [text, flag] = [{ type: 'string' }, { type: 'boolean' }];
const { values: options } = parseArgs({ options: { only: text, against: text, quick: flag, redraw: flag } });
/** Only a whole run replaces what the README shows. */
const isWhole = !(options.only || options.against || options.quick);
const folder = isWhole ? import.meta.dirname : build;
const results = resolve(folder, 'results.json');

// The 'exit' event ends all that runs.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));
if (!options.redraw) writeFileSync(results, format(await measureAll()));
const report = JSON.parse(readFileSync(results, 'utf8'));
mkdirSync(resolve(folder, 'plots'), { recursive: true });
plotAll(report, resolve(folder, 'plots'));
writeFileSync(resolve(folder, 'results.md'), tablesOf(report));
console.log(tablesOf(report));

async function measureAll() {
  const names = (options.only ?? order).split(',');
  const unknown = names.find((name) => !(name in measurements));
  if (unknown !== undefined) refuse(`no measurement is called ${unknown}; there are ${order}`);
  const obstacle = namespaceObstacle();
  if (obstacle !== undefined) refuse(`no PID namespace can be made, ${obstacle}; run it as root`);
  // The usual 32,768 pids are too few for 30,000 strangers.
  if (!options.quick && process.getuid() === 0) raiseMachinePidMax();
  // How much of something a measurement does. The small form shows that it works, and little about times.
  const sized = (full, quick) => (options.quick ? quick : full);
  const [date, load] = [new Date(), loadavg()[0].toFixed(1)];
  compileHelpers();
  const record = createRecord();
  const all = findCandidates(record, options.against);
  for (const name of names) {
    const candidates = all.filter(({ only }) => only?.includes(name) ?? true);
    try {
      await measurements[name]({ ...record, candidates, size: sized });
    } catch (error) {
      record.leaveOut('all', `${name}: ${error.message}`);
    }
  }
  showProgress();
  const minutes = ((Date.now() - date) / 60_000).toFixed(1);
  const machine = `${cpus()[0]?.model}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`;
  return {
    about: `${date.toISOString().slice(0, 10)}, ${minutes} minutes, load before the run ${load}. ${machine}.`,
    kernel: `Linux ${release()}`,
    versions: all.flatMap(({ name, version }) => (version ? `${name} ${version}` : [])).join(', '),
    ...record,
  };
}

function refuse(why) {
  console.error(`bench: ${why}`);
  process.exit(2);
}

/** JSON with one figure a line, for readable diffs, and with four significant digits. */
function format({ figures, ...about }) {
  const rounded = (_, value) => (typeof value === 'number' ? Number(value.toPrecision(4)) : value);
  const line = (value) => JSON.stringify(value, rounded);
  return `${line(about).slice(0, -1)},"figures":[\n${figures.map(line).join(',\n')}\n]}\n`;
}
