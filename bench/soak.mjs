// A soak of the reaper inside an app: 20,000 children of the app's own, each with a known end, among 100,000 orphans,
// for two minutes. It passes if the app saw every end of its own children as it was, reaped every orphan and nothing
// else, and has no zombie left. The zombies are counted from outside, over and over. Writes build/soak.json.
// Usage: node bench/soak.mjs [--quick] [--subreaper]    (needs cc, and root or user namespaces)
//   --quick      a twentieth of it, in 10 s
//   --subreaper  the app is a plain subreaper, and not PID 1 of a PID namespace

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { descendants, register } from 'subreaper';
import { namespaceObstacle, unshareArguments } from '../test/helpers/namespace.mjs';
import { childrenOf, statusField } from '../test/helpers/proc.mjs';
import { showProgress } from './record.mjs';

const SAMPLE_MS = 100;
const EXIT_MS = 5000;
/** With 64 children in flight, and all of them and the orphans living 50 ms, only what is lost takes this long. */
const STALL_MS = 10_000;

const { values: options } = parseArgs({
  options: { quick: { type: 'boolean' }, subreaper: { type: 'boolean' } },
});
const size = options.quick
  ? { own: 1000, orphans: 5000, seconds: 10 }
  : { own: 20_000, orphans: 100_000, seconds: 125 };
/** A machine too slow for the pace takes longer; one that takes this long hangs. */
const deadlineMs = (2 * size.seconds + 30) * 1000;

const root = resolve(import.meta.dirname, '..');
const helper = resolve(root, 'build/soak-child');

process.exitCode = await main();

async function main() {
  if (!options.subreaper && unshareArguments === undefined) {
    console.error(
      `soak: no PID namespace can be made, ${namespaceObstacle()}; run it as root, or --subreaper`,
    );
    return 1;
  }
  // An app that is killed leaves orphans: they come here, and not to an init that may not reap them.
  register();
  mkdirSync(resolve(root, 'build'), { recursive: true });
  execFileSync('cc', ['-O2', '-o', helper, resolve(root, 'bench/soak-child.c')]);

  const startedAt = performance.now();
  const app = startApp();
  process.once('SIGINT', () => app.stop(130));
  process.once('SIGTERM', () => app.stop(143));
  const samples = [];
  let failure;
  try {
    await watch(app, samples);
  } catch (error) {
    failure = error.message;
  }
  await end(app);
  showProgress();
  if (app.stopped !== undefined) return app.stopped;

  const result = summarize(app.last, samples, performance.now() - startedAt);
  const wrong = [...new Set([failure, ...whatIsWrong(result, app.last)])].filter(Boolean);
  print(result);
  const mode = options.subreaper ? 'subreaper' : 'PID 1';
  const about = { node: process.version, linux: release(), mode, ...size, ok: wrong.length === 0, wrong };
  writeFileSync(resolve(root, 'build/soak.json'), `${JSON.stringify({ ...about, result, samples })}\n`);
  for (const line of wrong) console.error(`soak: ${line}`);
  if (wrong.length === 0) console.log('everything is right');
  return wrong.length === 0 ? 0 : 1;
}

/** @returns the app: its child process, its last report, and how it ended */
function startApp() {
  const line = [
    '--import',
    'subreaper/register',
    'bench/soak-app.mjs',
    helper,
    `${size.own}`,
    `${size.seconds}`,
  ];
  const [file, args] = options.subreaper
    ? [process.execPath, line]
    : ['unshare', [...unshareArguments, process.execPath, ...line]];
  // In a session of its own Ctrl-C does not reach it: the soak ends it, and knows that it did.
  const child = spawn(file, args, { cwd: root, detached: true, stdio: ['pipe', 'pipe', 'inherit'] });
  // For what ends the soak unforeseen: an exception, say.
  process.once('exit', () => child.kill('SIGKILL'));
  const app = { child, last: undefined, ended: undefined, stopped: undefined };
  app.stop = (status) => {
    app.stopped = status;
  };
  child.once('error', ({ code }) => {
    app.ended = code;
  });
  child.once('exit', (code, signal) => {
    app.ended = signal ?? code;
  });
  // An app that is gone does not read on; its end is told above.
  child.stdin.on('error', () => {});
  createInterface({ input: child.stdout }).on('line', (line) => {
    app.last = JSON.parse(line);
  });
  return app;
}

/** Resolves when nothing of the app is left. What it had started lives 50 ms, and in a PID namespace ends with it. */
async function end({ child }) {
  child.kill('SIGKILL');
  const deadline = performance.now() + EXIT_MS;
  while (descendants(process.pid).length > 0 && performance.now() < deadline) await sleep(SAMPLE_MS);
}

/** Samples until the app's own children and every orphan have ended, and has the app end. */
async function watch(app, samples) {
  const startedAt = performance.now();
  const zombiesSince = new Map();
  let done = '';
  let doneAt = startedAt;
  for (;;) {
    await sleep(SAMPLE_MS);
    const now = performance.now();
    if (app.stopped !== undefined) throw new Error('stopped by a signal');
    if (app.ended !== undefined) throw new Error(`the app ended too early, with ${app.ended}`);
    if (now - startedAt > deadlineMs) throw new Error(`it is not over after ${deadlineMs} ms`);
    const pid = options.subreaper ? app.child.pid : childrenOf(app.child.pid)[0]?.pid;
    if (app.last === undefined || pid === undefined) continue;
    const children = childrenOf(pid);
    const zombies = children.filter(({ state }) => state === 'Z');
    const { started, settled, orphansMade, reaped, delayOfLateMs } = app.last;
    samples.push({
      ms: Math.round(now - startedAt),
      zombies: zombies.length,
      oldestZombieMs: Math.round(oldestMs(zombies, zombiesSince, now)),
      children: children.length,
      rssKib: Number.parseInt(statusField(pid, 'VmRSS') || '0', 10),
      ...{ started, settled, orphansMade, reaped, delayMs: delayOfLateMs },
    });
    showProgress(
      `${Math.round((now - startedAt) / 1000)} s: ${count(settled)}/${count(size.own)} own ended, ` +
        `${count(reaped)}/${count(size.orphans)} orphans reaped, ${zombies.length} zombies`,
    );
    // No child is left: nothing can be reaped any more, and the number of the reaped is final.
    if (settled >= size.own && children.length === 0) break;
    if (`${settled} ${reaped}` !== done) doneAt = now;
    done = `${settled} ${reaped}`;
    if (now - doneAt > STALL_MS) {
      const missing = `${size.own - settled} own children have not ended`;
      throw new Error(`${missing}, the app has ${children.length}, and none has ended for ${STALL_MS} ms`);
    }
  }
  const exited = once(app.child, 'close', { signal: AbortSignal.timeout(EXIT_MS) });
  app.child.stdin.end();
  await exited.catch(() => {
    throw new Error(`the app does not end by itself, ${EXIT_MS} ms after its work is done`);
  });
  if (app.ended !== 0) throw new Error(`the app ended with ${app.ended}`);
}

/** @param since  when each zombie was seen first; brought up to date */
function oldestMs(zombies, since, now) {
  // Pids return: only together with the start time is it the same process.
  const names = new Set(zombies.map(({ pid, startTime }) => `${pid} ${startTime}`));
  for (const name of since.keys()) if (!names.has(name)) since.delete(name);
  for (const name of names) if (!since.has(name)) since.set(name, now);
  return Math.max(0, ...[...since.values()].map((first) => now - first));
}

function summarize(last, samples, wallMs) {
  const zombies = samples.map((sample) => sample.zombies);
  const half = samples.length >> 1;
  const { sources = {}, settled = 0, orphansMade = 0, reaped = 0, delayMs } = last ?? {};
  return {
    ...{ wallMs: Math.round(wallMs), sources, settled, orphansMade, reaped, delayMs },
    samples: samples.length,
    zombiesMost: Math.max(0, ...zombies),
    zombiesMean: zombies.reduce((sum, value) => sum + value, 0) / Math.max(1, zombies.length),
    zombiesLeft: zombies.at(-1),
    oldestZombieMs: Math.max(0, ...samples.map((sample) => sample.oldestZombieMs)),
    rssKib: [samples.slice(0, half), samples.slice(half)].map(rangeOfRss),
  };
}

/** The garbage collector makes it a saw: what leaks lifts the low end too. */
function rangeOfRss(samples) {
  const values = samples.map(({ rssKib }) => rssKib).filter((kib) => kib > 0);
  return values.length === 0 ? [0, 0] : [Math.min(...values), Math.max(...values)];
}

function whatIsWrong({ sources, orphansMade, reaped, zombiesLeft }, last) {
  const right = Object.values(sources).reduce((sum, source) => sum + source.right, 0);
  return [
    ...(last?.wrongsTold ?? []),
    last?.wrongs > last?.wrongsTold.length && `and ${last.wrongs - last.wrongsTold.length} more`,
    right !== size.own && `${right} of ${size.own} own children ended as they were told to`,
    orphansMade !== size.orphans && `${orphansMade} of ${size.orphans} orphans were made`,
    reaped !== orphansMade && `${orphansMade} orphans were made, and ${reaped} reaped`,
    zombiesLeft !== 0 && `${zombiesLeft ?? 'an unknown number of'} zombies are left`,
  ];
}

function print(result) {
  const row = (title, ...cells) =>
    console.log(`${title.padEnd(28)}${cells.map((cell) => String(cell).padStart(14)).join('')}`);
  const { sources, reaped, orphansMade, zombiesMost, zombiesMean, zombiesLeft, oldestZombieMs } = result;
  const as = options.subreaper ? 'as a subreaper' : 'as PID 1';
  const seconds = (result.wallMs / 1000).toFixed(1);
  console.log(`a node ${process.version} app ${as}, Linux ${release()}: ${seconds} s\n`);
  row('own children', 'right', 'of');
  for (const [source, own] of Object.entries(sources))
    row(`  ${source}`, count(own.right), count(own.started));
  row('orphans reaped', count(reaped), count(orphansMade));
  row(`zombies, in ${count(result.samples)} samples`, 'most', 'mean', 'left', 'oldest');
  row('', count(zombiesMost), zombiesMean.toFixed(1), zombiesLeft ?? '?', `${oldestZombieMs} ms`);
  // Most of it is the app's own doing: starting a process blocks, and waiting for one with spawnSync more so.
  const delays = Object.entries(result.delayMs ?? {});
  row('event-loop delay', ...delays.map(([name]) => name));
  row('', ...delays.map(([, ms]) => `${ms.toFixed(1)} ms`));
  row('memory of the app', 'first half', 'second half');
  row('', ...result.rssKib.map((range) => `${range.map((kib) => Math.round(kib / 1024)).join(' to ')} MiB`));
  console.log('');
}

function count(number) {
  return number.toLocaleString('en-US');
}
