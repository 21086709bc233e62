// Runs suites. Usage:
//   npm run suite                              lists them
//   npm run suite NAME [-- ARGUMENT...]        the arguments are for its command
//   npm run suite all [-- --resume]            one after another; --resume leaves out what has passed at this commit
//   node test/suite.mjs --install NAME         its Debian packages alone
// A suite that has not ended within its limit is ended, with all that it has started. It leaves build/report/NAME.json.
import { spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { runAll } from './all-suites.mjs';
import { commitOf } from './helpers/commit.mjs';
import { descendantsOf, hasEnded, processStat, runningWith, signalIfThere, until } from './helpers/proc.mjs';
import { install } from './packages.mjs';
import { reportArguments, reports, suites } from './suites.mjs';

const root = resolve(import.meta.dirname, '..');
/** An engine ends its containers before itself. */
const END_MS = Number(process.env.END_MS ?? 60_000);
const TIMED_OUT = 124;

const [first, ...args] = process.argv.slice(2);

if (first === undefined) list();
else if (first === 'all') process.exitCode = await runAll(args.includes('--resume'));
else if (first === '--install') install(suiteOf(args[0]).packages);
else await run(first, suiteOf(first));

function suiteOf(name) {
  if (Object.hasOwn(suites, name)) return suites[name];
  console.error(`subreaper: there is no suite '${name}'; npm run suite lists them`);
  process.exit(2);
}

function list() {
  const width = Math.max(...Object.keys(suites).map(({ length }) => length));
  for (const [suite, { tries, time, needs }] of Object.entries(suites)) {
    console.log(`${suite.padEnd(width)}  ${tries.replaceAll('`', '')}`);
    console.log(`${''.padEnd(width)}  ${time}${needs === '' ? '' : `; needs ${needs}`}`);
  }
}

/** Ends as the command does. */
async function run(name, { packages, command, limit }) {
  const start = performance.now();
  install(packages);
  const build = spawnSync(process.execPath, ['build.mjs'], { cwd: root, stdio: 'inherit' });
  if (build.status !== 0) process.exit(build.status ?? 1);
  rmSync(join(root, reports), { recursive: true, force: true });
  mkdirSync(join(root, reports), { recursive: true });

  const isReported =
    command.includes('vitest run') && !args.some((argument) => argument.startsWith('--reporter'));
  const rest = isReported ? [...args, ...reportArguments(name)] : args;
  const { status, signal } = await endAfter(limit, command, rest);
  const report = {
    ...{ suite: name, commit: commitOf(root), arguments: args, status: status ?? signal },
    minutes: Number(((performance.now() - start) / 60_000).toFixed(1)),
    ...countsOf(join(root, reports)),
  };
  writeFileSync(join(root, `build/report/${name}.json`), `${JSON.stringify(report, undefined, 2)}\n`);
  if (signal !== null) process.kill(process.pid, signal);
  process.exitCode = status;
}

async function endAfter(minutes, command, rest) {
  const path = [resolve(root, 'node_modules/.bin'), process.env.PATH].join(delimiter);
  /** In the environment of all that the suite starts. */
  const mark = randomUUID();
  let child;
  let ending;
  const end = () => {
    ending ??= endAll(mark, descendantsOf(child.pid));
  };
  // Ctrl-C reaches the command as well, but not what has left the terminal's foreground group.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, end);
  child = spawn('sh', ['-c', `${command} "$@"`, 'sh', ...rest], {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...process.env,
      PATH: path,
      REPORTS: join(root, reports),
      SUITE: `${process.env.SUITE ?? ''} ${mark}`,
    },
  });
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    console.error(`subreaper: no end within ${minutes} minutes: what the suite has started is ended`);
    end();
  }, minutes * 60_000);
  const [status, signal] = await once(child, 'exit');
  clearTimeout(timer);
  await ending;
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.off(name, end);
  return isLate ? { status: TIMED_OUT, signal: null } : { status, signal };
}

/**
 * Ends all that has a mark in its environment, and the processes of a snapshot, which may have started without it.
 * @returns once they are gone
 */
async function endAll(mark, below) {
  const left = () => [
    ...runningWith(mark),
    ...below.filter(({ pid, startTime }) => !hasEnded(pid) && processStat(pid)?.startTime === startTime),
  ];
  const signalAll = (signal) => {
    const processes = left();
    for (const { pid } of processes) signalIfThere(pid, signal);
    return processes.length === 0;
  };
  signalAll('SIGTERM');
  await until(() => left().length === 0, 'the end of the suite', END_MS, 100).catch(() =>
    until(() => signalAll('SIGKILL'), 'the end of the suite'),
  );
}

/** The sums of vitest's reports, and why tests were left out; nothing of a suite that has written neither. */
function countsOf(folder) {
  const files = readdirSync(folder);
  const read = (file) => readFileSync(join(folder, file), 'utf8');
  const found = files.filter((file) => file.endsWith('.json')).map((file) => JSON.parse(read(file)));
  if (files.length === 0) return {};
  const sum = (count) => found.reduce((all, report) => all + report[count], 0);
  return {
    ...{ passed: sum('numPassedTests'), failed: sum('numFailedTests'), skipped: sum('numPendingTests') },
    leftOut: files.includes('left-out') ? read('left-out').trim().split('\n') : [],
  };
}
