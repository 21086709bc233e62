// The app under soak: a node that is its own init, with children of its own from every source that node has. Each is
// told how to end, and each but the forked ones leaves orphans. It writes a report a line, in JSON, and takes the end
// of its standard input for the end of the soak.
// Usage: node --import subreaper/register bench/soak-app.mjs HELPER OWN_CHILDREN SECONDS

import { exec, execFile, execFileSync, fork, spawn, spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { register } from 'subreaper';

/** What starts a child, in turn. The forked ones come extra: a node takes too long to start to be a quarter of all. */
const SOURCES = ['spawn', 'execFile, exec', 'spawnSync, execFileSync', 'spawn in a worker thread'];
const FORK = 'fork';
/** Of every hundred children one is forked, one leaves a burst of orphans, and the others leave a few. */
const ORPHANS_OF_A_HUNDRED = 500;
const ORPHANS_OF_MOST = 3;
const ORPHANS_OF_A_BURST = ORPHANS_OF_A_HUNDRED - 98 * ORPHANS_OF_MOST;
const FORKED_OF_A_HUNDRED = 50;
/** Every fifth child ends by one of these; none of them dumps core. */
const SIGNALS = ['SIGKILL', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGALRM'];
const LONGEST_LIFE_MS = 50;

const MOST_IN_FLIGHT = 64;
/** The loop gets its turn even if the soak is behind its pace. */
const MOST_AT_ONCE = 8;
const PACE_MS = 10;
const REPORT_MS = 250;
const DELAY_RESOLUTION_MS = 5;
const MOST_WRONGS_TOLD = 5;

const [helper, ownArgument, secondsArgument] = process.argv.slice(2);
const ownChildren = Number(ownArgument);
const seconds = Number(secondsArgument);
const forkedProgram = fileURLToPath(new URL('soak-forked.mjs', import.meta.url));

const registration = register();
const worker = new Worker(new URL('soak-worker.mjs', import.meta.url), { workerData: { helper } });
worker.on('message', ({ index, ended }) => settle(index, ended));

const delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
const delayOfLate = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
const running = new Map();
const sources = Object.fromEntries([...SOURCES, FORK].map((source) => [source, { started: 0, right: 0 }]));
const wrongs = [];
let started = 0;
let settled = 0;
let orphansMade = 0;

worker.once('online', () => {
  delay.enable();
  delayOfLate.enable();
  const start = performance.now();
  const pace = setInterval(() => {
    const due = Math.min(
      ownChildren,
      Math.floor((performance.now() - start) * (ownChildren / seconds / 1000)),
    );
    for (let count = 0; count < MOST_AT_ONCE && started < due && running.size < MOST_IN_FLIGHT; count++) {
      startChild(plan(started++));
    }
    if (started === ownChildren) clearInterval(pace);
  }, PACE_MS);
});

report();
const reports = setInterval(report, REPORT_MS);

// Whoever reads the reports is gone.
process.stdout.on('error', () => process.exit(1));
process.stdin.resume().once('end', () => {
  clearInterval(reports);
  report({ isLast: true });
  delay.disable();
  delayOfLate.disable();
  worker.postMessage('end');
});

/** The same every time: only the lives are drawn by lot. */
function plan(index) {
  const hundred = Math.floor(index / 100);
  const place = index % 100;
  const isForked = place === FORKED_OF_A_HUNDRED;
  // The bursts come from each source in turn.
  const isBurst = place === hundred % SOURCES.length;
  const source = isForked ? FORK : SOURCES[index % SOURCES.length];
  const ending = index % 5 === 4 && !isForked ? SIGNALS[hundred % SIGNALS.length] : index % 200;
  const orphans = isForked ? 0 : isBurst ? ORPHANS_OF_A_BURST : ORPHANS_OF_MOST;
  // One that the app waits for, blocked, may not keep it.
  const lifeMs = source.includes('Sync') ? 0 : Math.floor(Math.random() * LONGEST_LIFE_MS);
  return { index, source, ending, orphans, lifeMs };
}

function startChild(child) {
  const { index, source, ending, orphans, lifeMs } = child;
  const args = [orphans, lifeMs, typeof ending === 'number' ? ending : -constants.signals[ending]].map(
    String,
  );
  const isOdd = Math.floor(index / SOURCES.length) % 2 === 1;
  const onCallback = (error) => settle(index, endedOf(error));
  running.set(index, child);
  sources[source].started++;
  switch (source) {
    case 'spawn':
      watch(index, spawn(helper, args, { stdio: 'ignore' }));
      break;
    case 'execFile, exec':
      // With `exec` the shell is the helper in the end, and not its parent, which would hide a signal.
      if (isOdd) exec(`exec '${helper}' ${args.join(' ')}`, onCallback);
      else execFile(helper, args, onCallback);
      break;
    case 'spawnSync, execFileSync':
      settle(index, isOdd ? endedOfSync(spawnSync(helper, args)) : runExecFileSync(args));
      break;
    case 'spawn in a worker thread':
      worker.postMessage({ index, args });
      break;
    case FORK:
      // Its own execArgv: a forked node gets --import subreaper/register as well, if it is not told otherwise.
      watch(
        index,
        fork(forkedProgram, [String(ending)], {
          execArgv: [],
          stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
        }),
      );
      break;
  }
}

function watch(index, child) {
  child.once('error', ({ code }) => settle(index, code));
  child.once('exit', (code, signal) => settle(index, signal ?? code));
}

function runExecFileSync(args) {
  try {
    execFileSync(helper, args, { stdio: 'pipe' });
    return 0;
  } catch (error) {
    return endedOfSync(error);
  }
}

/** @param error what exec and execFile call back with: code is the exit code, or an errno's name */
function endedOf(error) {
  return error === null ? 0 : (error.signal ?? error.code);
}

function endedOfSync({ status, signal, error, code }) {
  return signal ?? status ?? error?.code ?? code;
}

/** @param ended an exit code, a signal's name, or the name of the errno that it could not be started for */
function settle(index, ended) {
  const child = running.get(index);
  settled++;
  if (child === undefined) {
    wrongs.push(`child ${index} ended twice, the second time with ${ended}`);
    return;
  }
  running.delete(index);
  if (ended === child.ending) {
    sources[child.source].right++;
    orphansMade += child.orphans;
  } else {
    wrongs.push(`child ${index} (${child.source}) was to end with ${child.ending}, and ended with ${ended}`);
  }
}

function report({ isLast = false } = {}) {
  const line = {
    started,
    settled,
    orphansMade,
    reaped: registration.reaped,
    delayMs: inMs(delay),
    delayOfLateMs: inMs(delayOfLate),
    sources,
    wrongs: wrongs.length,
    wrongsTold: wrongs.slice(0, MOST_WRONGS_TOLD),
    isLast,
  };
  delayOfLate.reset();
  console.log(JSON.stringify(line));
}

/** The histogram has the time from one tick of its timer to the next, in nanoseconds: the delay is what is beyond. */
function inMs(histogram) {
  const ms = (nanoseconds) => Math.max(0, nanoseconds / 1e6 - DELAY_RESOLUTION_MS);
  if (histogram.count === 0) return { p50: 0, p99: 0, max: 0 };
  return { p50: ms(histogram.percentile(50)), p99: ms(histogram.percentile(99)), max: ms(histogram.max) };
}
