// The app under soak: a node that is its own init, and starts children in every way that node has. Each child gets its
// way to end, and all but the forked ones leave orphans. The app prints reports as lines of JSON, and ends when its
// standard input does.
// Usage: node --import subreaper/register app.mjs CHILDREN SECONDS
import { exec, execFile, execFileSync, fork, spawn, spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { register } from 'subreaper';
import { actor } from '../paths.mjs';

/** Of every hundred children one is forked, one leaves a burst of orphans, and the others leave a few: 500 together. */
const FORKED_OF_A_HUNDRED = 50;
const ORPHANS_OF_MOST = 3;
const ORPHANS_OF_A_BURST = 500 - 98 * ORPHANS_OF_MOST;
/** Every fifth child ends by one of these; none of them dumps core. */
const SIGNALS = ['SIGKILL', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGALRM'];
/** The actor itself fails with a higher exit code. */
const CODES = 90;
const LONGEST_LIFE_MS = 50;

const MOST_IN_FLIGHT = 64;
/** The loop gets its turn even if the soak is late. */
const MOST_AT_ONCE = 8;
const PACE_MS = 10;
const REPORT_MS = 250;

const [count = 0, seconds = 0] = process.argv.slice(2).map(Number);
const registration = register();
const forkedProgram = fileURLToPath(new URL('forked.mjs', import.meta.url));
const worker = new Worker(new URL('worker.mjs', import.meta.url), { workerData: { actor } });
worker.on('message', ({ index, ended }) => settle(index, ended));

/** The ways to start a child. Each reports its end: the exit code, the name of the signal, or the name of the errno. */
const starters = {
  spawn: (index, args) => watch(index, spawn(actor, args, { stdio: 'ignore' })),
  execFile: (index, args) => execFile(actor, args, (error) => settle(index, endOf(error))),
  // With exec, because a shell as the actor's parent would hide a signal.
  exec: (index, args) => exec(`exec '${actor}' ${args.join(' ')}`, (error) => settle(index, endOf(error))),
  spawnSync: (index, args) => settle(index, endOfSync(spawnSync(actor, args))),
  execFileSync(index, args) {
    try {
      execFileSync(actor, args, { stdio: 'pipe' });
      settle(index, 0);
    } catch (error) {
      settle(index, endOfSync(error));
    }
  },
  'spawn in a worker thread': (index, args) => worker.postMessage({ index, args }),
};
const sources = Object.keys(starters);

const running = new Map();
const right = Object.fromEntries([...sources, 'fork'].map((source) => [source, 0]));
const wrongs = [];
let started = 0;
let orphansMade = 0;

worker.once('online', () => {
  const start = performance.now();
  const pace = setInterval(() => {
    const due = Math.min(count, ((performance.now() - start) * count) / seconds / 1000);
    for (let now = 0; now < MOST_AT_ONCE && started < due && running.size < MOST_IN_FLIGHT; now++) {
      startChild(started++);
    }
    if (started === count) clearInterval(pace);
  }, PACE_MS);
});
const reports = setInterval(report, REPORT_MS);
// The reader of the reports is gone.
process.stdout.on('error', () => process.exit(1));
process.stdin.resume().once('end', () => {
  report();
  clearInterval(reports);
  worker.unref();
});

/** The same every time; only the lifetimes are random. */
function startChild(index) {
  const hundred = Math.floor(index / 100);
  const place = index % 100;
  if (place === FORKED_OF_A_HUNDRED) {
    const ending = index % CODES;
    running.set(index, { source: 'fork', ending, orphans: 0 });
    // Without its own execArgv a forked node would get --import subreaper/register too.
    const stdio = ['ignore', 'ignore', 'inherit', 'ipc'];
    watch(index, fork(forkedProgram, [`${ending}`], { execArgv: [], stdio }));
    return;
  }
  const source = sources[index % sources.length];
  const ending = index % 5 === 4 ? SIGNALS[hundred % SIGNALS.length] : index % CODES;
  // The ways to start a child take turns with the burst of each hundred.
  const orphans = place === hundred % sources.length ? ORPHANS_OF_A_BURST : ORPHANS_OF_MOST;
  // A child that blocks the app while it runs must not run for long.
  const lifeMs = source.endsWith('Sync') ? 0 : Math.floor(Math.random() * LONGEST_LIFE_MS);
  running.set(index, { source, ending, orphans });
  const status = typeof ending === 'number' ? ending : -constants.signals[ending];
  starters[source](index, ['parent', `${orphans}`, `${lifeMs}`, `${status}`]);
}

function watch(index, child) {
  child.once('error', ({ code }) => settle(index, code));
  child.once('exit', (code, signal) => settle(index, signal ?? code));
}

/** @param error what exec and execFile call back with: code is the exit code, or an errno's name */
function endOf(error) {
  return error === null ? 0 : (error.signal ?? error.code);
}

function endOfSync({ status, signal, error, code }) {
  return signal ?? status ?? error?.code ?? code;
}

function settle(index, ended) {
  const child = running.get(index);
  running.delete(index);
  if (child === undefined) {
    wrongs.push(`child ${index} ended twice, the second time with ${ended}`);
  } else if (ended === child.ending) {
    right[child.source]++;
    orphansMade += child.orphans;
  } else {
    wrongs.push(`child ${index} (${child.source}) was to end with ${child.ending}, and ended with ${ended}`);
  }
}

function report() {
  const settled = started - running.size;
  console.log(JSON.stringify({ settled, orphansMade, reaped: registration.reaped, right, wrongs }));
}
