// A soak of the reaper inside an app: 20,000 children of the app's own, each with a known end, among 100,000 orphans,
// for two minutes. It passes if the app saw every end of its own children as it was, reaped every orphan and nothing
// else, and has no zombie left. The zombies are counted from outside, over and over. Writes build/soak.json.
// Usage: node bench/soak.mjs [--quick] [--subreaper]    (needs cc, and root or user namespaces)
//   --quick      a twentieth of it, in 10 s
//   --subreaper  the app is a plain subreaper, and not PID 1 of a PID namespace

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { descendants, register } from 'subreaper';

const ORPHANS_PER_CHILD = 5;
const SAMPLE_MS = 100;
/** How long the last orphans may take once the app's own children have all ended; they live 50 ms. */
const LAST_ORPHANS_MS = 10_000;
const EXIT_MS = 5000;
/** With 64 in flight that live 50 ms, none ends for this long only if something is lost. */
const STALL_MS = 10_000;

const { values: options } = parseArgs({
  options: { quick: { type: 'boolean' }, subreaper: { type: 'boolean' } },
});
const size = options.quick ? { own: 1000, seconds: 10 } : { own: 20_000, seconds: 125 };
const orphans = size.own * ORPHANS_PER_CHILD;
/** A machine too slow for the pace takes longer; one that takes this long hangs. */
const deadlineMs = (2 * size.seconds + 30) * 1000;

const root = resolve(import.meta.dirname, '..');
const build = resolve(root, 'build');
const helper = resolve(build, 'soak-child');
const namespace = [
  ...(process.getuid?.() === 0 ? [] : ['--user', '--map-root-user']),
  '--pid',
  '--fork',
  '--mount-proc',
  '--kill-child',
];

process.exitCode = await main();

async function main() {
  // An app that is killed leaves orphans: they come here, and not to an init that may not reap them.
  register();
  mkdirSync(build, { recursive: true });
  execFileSync('cc', ['-O2', '-o', helper, resolve(root, 'bench/soak-child.c')]);

  const start = performance.now();
  const soak = startApp();
  const stop = (status) => {
    soak.stopped = status;
  };
  process.once('SIGINT', () => stop(130));
  process.once('SIGTERM', () => stop(143));
  const samples = [];
  let failure;
  try {
    await watchApp(soak, start, samples);
  } catch (error) {
    failure = error.message;
  }
  await end(soak);
  clearProgress();
  if (soak.stopped !== undefined) return soak.stopped;

  const result = summarize(soak, samples, performance.now() - start);
  const wrong = [...new Set([failure, ...whatIsWrong(result, soak.last)])].filter(Boolean);
  printTable(result);
  const mode = options.subreaper ? 'subreaper' : 'PID 1';
  const about = { node: process.version, linux: release(), mode, ...size, orphans };
  writeFileSync(
    resolve(build, 'soak.json'),
    `${JSON.stringify({ ...about, ok: wrong.length === 0, wrong, result, samples })}\n`,
  );
  for (const line of wrong) console.error(`soak: ${line}`);
  if (wrong.length === 0) console.log('everything is right');
  return wrong.length === 0 ? 0 : 1;
}

function startApp() {
  const app = [
    '--import',
    'subreaper/register',
    'bench/soak-app.mjs',
    helper,
    `${size.own}`,
    `${size.seconds}`,
  ];
  const [file, args] = options.subreaper
    ? [process.execPath, app]
    : ['unshare', [...namespace, process.execPath, ...app]];
  // In a session of its own Ctrl-C does not reach it: the soak ends it, and knows that it did.
  const child = spawn(file, args, { cwd: root, detached: true, stdio: ['pipe', 'pipe', 'inherit'] });
  // For what ends the soak unforeseen: an exception, say.
  process.once('exit', () => child.kill('SIGKILL'));
  const soak = { child, last: undefined, failure: undefined, ended: undefined, stopped: undefined };
  child.once('error', ({ code }) => {
    soak.failure = `${file} cannot be started: ${code}`;
  });
  child.once('exit', (code, signal) => {
    soak.ended = signal ?? code;
  });
  // An app that is gone does not read on; its end is told above.
  child.stdin.on('error', () => {});
  createInterface({ input: child.stdout }).on('line', (line) => {
    soak.last = JSON.parse(line);
  });
  return soak;
}

/** Resolves when nothing of the app is left. What it had started lives 50 ms, and in a PID namespace ends with it. */
async function end({ child }) {
  child.kill('SIGKILL');
  const deadline = performance.now() + EXIT_MS;
  while (descendants(process.pid).length > 0 && performance.now() < deadline) await sleep(SAMPLE_MS);
}

/** Samples until the app's own children and every orphan have ended, and has the app end. */
async function watchApp(soak, start, samples) {
  const zombiesSince = new Map();
  let pid;
  let lastOrphansUntil = Number.POSITIVE_INFINITY;
  let settled = 0;
  let settledAt = start;
  for (;;) {
    await sleep(SAMPLE_MS);
    if (soak.stopped !== undefined) throw new Error('stopped by a signal');
    if (soak.failure !== undefined) throw new Error(soak.failure);
    if (soak.ended !== undefined) throw new Error(`the app ended too early, with ${soak.ended}`);
    const now = performance.now();
    if (now - start > deadlineMs) throw new Error(`it is not over after ${deadlineMs} ms`);
    if (soak.last === undefined) continue;
    const table = readProcessTable();
    pid ??= options.subreaper ? soak.child.pid : table.find(({ ppid }) => ppid === soak.child.pid)?.pid;
    const children = table.filter(({ ppid }) => ppid === pid);
    const sample = takeSample(soak.last, children, pid, now - start, zombiesSince, now);
    samples.push(sample);
    showProgress(sample, samples);

    if (soak.last.settled > settled) {
      settled = soak.last.settled;
      settledAt = now;
    }
    if (settled >= size.own) {
      lastOrphansUntil = Math.min(lastOrphansUntil, now + LAST_ORPHANS_MS);
      // No child is left: nothing can be reaped any more, and the number of the reaped is final.
      if (children.length === 0) break;
      if (now > lastOrphansUntil)
        throw new Error(
          `the app still has ${children.length} children, ${LAST_ORPHANS_MS} ms after the last of its own ended`,
        );
    }
    if (settled < size.own && now - settledAt > STALL_MS) {
      throw new Error(`${size.own - settled} own children have not ended, and none has for ${STALL_MS} ms`);
    }
  }
  const exited = once(soak.child, 'close', { signal: AbortSignal.timeout(EXIT_MS) });
  soak.child.stdin.end();
  await exited.catch(() => {
    throw new Error(`the app does not end by itself, ${EXIT_MS} ms after its work is done`);
  });
  if (soak.ended !== 0) throw new Error(`the app ended with ${soak.ended}`);
}

function takeSample(last, children, pid, ms, zombiesSince, now) {
  const zombies = children.filter(({ state }) => state === 'Z');
  // Pids return: only together with the start time is it the same process.
  const identities = new Set(zombies.map(({ pid, startTime }) => `${pid} ${startTime}`));
  for (const identity of zombiesSince.keys()) if (!identities.has(identity)) zombiesSince.delete(identity);
  for (const identity of identities) if (!zombiesSince.has(identity)) zombiesSince.set(identity, now);
  return {
    ms: Math.round(ms),
    zombies: zombies.length,
    oldestZombieMs: Math.round(Math.max(0, ...[...zombiesSince.values()].map((since) => now - since))),
    children: children.length,
    rssKib: readRssKib(pid),
    started: last.started,
    settled: last.settled,
    orphansMade: last.orphansMade,
    reaped: last.reaped,
    delayMs: last.delayOfLateMs,
  };
}

/** From proc_pid_stat(5): every process, as it is now. */
function readProcessTable() {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((entry) => {
      try {
        const stat = readFileSync(`/proc/${entry}/stat`, 'latin1');
        const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        return [{ pid: Number(entry), state: fields[0], ppid: Number(fields[1]), startTime: fields[19] }];
      } catch {
        // Gone since the directory was read.
        return [];
      }
    });
}

function readRssKib(pid) {
  try {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0);
  } catch {
    // It has just ended, which the next look at it tells.
    return 0;
  }
}

function summarize({ last, ended }, samples, wallMs) {
  const zombies = samples.map((sample) => sample.zombies);
  const half = samples.length >> 1;
  return {
    ended,
    wallMs: Math.round(wallMs),
    sources: last?.sources ?? {},
    settled: last?.settled ?? 0,
    orphansMade: last?.orphansMade ?? 0,
    reaped: last?.reaped ?? 0,
    samples: samples.length,
    zombiesMost: Math.max(0, ...zombies),
    zombiesMean: mean(zombies),
    zombiesLeft: zombies.at(-1),
    oldestZombieMs: Math.max(0, ...samples.map((sample) => sample.oldestZombieMs)),
    delayMs: last?.delayMs,
    rssKib: [samples.slice(0, half), samples.slice(half)].map(rangeOfRss),
  };
}

/** The garbage collector makes it a saw: what leaks lifts the low end too. */
function rangeOfRss(samples) {
  const values = samples.map(({ rssKib }) => rssKib).filter((kib) => kib > 0);
  return values.length === 0 ? [0, 0] : [Math.min(...values), Math.max(...values)];
}

function whatIsWrong(result, last) {
  const right = Object.values(result.sources).reduce((sum, source) => sum + source.right, 0);
  return [
    ...(last?.wrongsTold ?? []),
    last?.wrongs > last?.wrongsTold.length && `and ${last.wrongs - last.wrongsTold.length} more`,
    right !== size.own && `${right} of ${size.own} own children ended as they were told to`,
    result.orphansMade !== orphans && `${result.orphansMade} of ${orphans} orphans were made`,
    result.reaped !== result.orphansMade &&
      `${result.orphansMade} orphans were made, and ${result.reaped} reaped`,
    result.zombiesLeft !== 0 && `${result.zombiesLeft ?? 'an unknown number of'} zombies are left`,
  ].filter(Boolean);
}

function showProgress(sample, samples) {
  if (!process.stderr.isTTY) return;
  const most = Math.max(...samples.map(({ zombies }) => zombies));
  process.stderr.write(
    `\r${Math.round(sample.ms / 1000)} s: ${count(sample.settled)}/${count(size.own)} own ended, ` +
      `${count(sample.reaped)}/${count(orphans)} orphans reaped, ${sample.zombies} zombies (most ${most})\x1b[K`,
  );
}

function clearProgress() {
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
}

function printTable(result) {
  const { delayMs } = result;
  const as = options.subreaper ? 'as a subreaper' : 'as PID 1';
  console.log(
    `a node ${process.version} app ${as}, Linux ${release()}: ${(result.wallMs / 1000).toFixed(1)} s\n`,
  );
  row('own children', 'right', 'of');
  for (const [source, { started, right }] of Object.entries(result.sources)) {
    row(`  ${source}`, count(right), count(started));
  }
  row('orphans reaped', count(result.reaped), count(result.orphansMade));
  row(`zombies, in ${count(result.samples)} samples`, 'most', 'mean', 'left', 'oldest');
  row(
    '',
    count(result.zombiesMost),
    result.zombiesMean.toFixed(1),
    result.zombiesLeft ?? '?',
    `${result.oldestZombieMs} ms`,
  );
  if (delayMs) {
    // Most of it is the app's own doing: starting a process blocks, and waiting for one with spawnSync more so.
    row('event-loop delay', 'p50', 'p99', 'max');
    row('', ...[delayMs.p50, delayMs.p99, delayMs.max].map((ms) => `${ms.toFixed(1)} ms`));
  }
  row('memory of the app', 'first half', 'second half');
  row('', ...result.rssKib.map((range) => `${range.map((kib) => Math.round(kib / 1024)).join(' to ')} MiB`));
  console.log('');
}

function row(title, ...cells) {
  console.log(`${title.padEnd(28)}${cells.map((cell) => String(cell).padStart(14)).join('')}`);
}

function count(number) {
  return number.toLocaleString('en-US');
}

function mean(values) {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
