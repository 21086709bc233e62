// Runs the same screenshot service twice, each time as PID 1 of a PID namespace of its own, first with bare
// node and then with subreaper/register in it. Kills its browser over and over in the middle of a screenshot,
// and compares what is left.
//
//   node examples/screenshots/demo.mjs [--json] [rounds]

import { on, once } from 'node:events';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { namespaceObstacle, startInNamespace, unshareArguments } from '../../test/helpers/namespace.mjs';
import { drawTree } from '../hung-workers/draw-tree.mjs';
import { readNamespace } from './namespace.mjs';
import { colourOf } from './pages.mjs';
import { readPng } from './png.mjs';

const packageRoot = fileURLToPath(new URL('../..', import.meta.url));
const service = relative(packageRoot, fileURLToPath(new URL('service.mjs', import.meta.url)));

const DEFAULT_ROUNDS = 50;
/** Whatever is awaited and takes longer than this fails the run. */
const DEADLINE_MS = 30_000;
/** A round takes a second; a run that needs this much for each hangs, and SIGKILL ends its namespace. */
const DEADLINE_PER_ROUND_MS = 10_000;
/** An ended orphan is a zombie until its parent reaps it. One not reaped after this long is left. */
const REAP_MS = 1000;
const POLL_MS = 20;
/** Where a line cannot be written over, progress is a line for so many rounds. */
const ROUNDS_A_LINE = 10;

const runs = [
  { init: 'bare node', command: ['node', service] },
  { init: 'with register', command: ['node', '--import', 'subreaper/register', service] },
];

process.exitCode = await main();

async function main() {
  const { rounds, json, wrongUsage } = readArguments();
  const obstacle = wrongUsage ?? missing();
  if (obstacle !== undefined) {
    console.error(`demo: ${obstacle}`);
    return 1;
  }
  endOn('SIGINT', 130);
  endOn('SIGTERM', 143);
  const results = [];
  for (const [index, { init, command }] of runs.entries()) {
    headline(`${index + 1}. ${init}, as PID 1`);
    results.push({ init, ...(await run(command, rounds)) });
  }
  const [bare, registered] = results;
  const ok = results.every(isFlawless) && bare.zombies > 0 && registered.zombies === 0;
  headline('compared');
  for (const line of comparison(results)) console.log(line);
  if (json) console.log(JSON.stringify({ ok, rounds, runs: results }));
  return ok ? 0 : 1;
}

function readArguments() {
  const usage = `give a number of rounds, or nothing for ${DEFAULT_ROUNDS}; --json adds a line of JSON`;
  try {
    const { values, positionals } = parseArgs({
      options: { json: { type: 'boolean', default: false } },
      allowPositionals: true,
    });
    const rounds = Number(positionals[0] ?? process.env['ROUNDS'] ?? DEFAULT_ROUNDS);
    const isRight = Number.isInteger(rounds) && rounds > 0 && positionals.length < 2;
    return { rounds, json: values.json, wrongUsage: isRight ? undefined : usage };
  } catch {
    // An option that does not exist.
    return { wrongUsage: usage };
  }
}

/** @returns {string | undefined} what this machine lacks, and what to do about it */
function missing() {
  const chromium = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
  try {
    accessSync(chromium, constants.X_OK);
  } catch {
    return `there is no Chromium at ${chromium}; install it, or give the path of one in CHROMIUM`;
  }
  const obstacle = namespaceObstacle();
  if (obstacle === undefined) return undefined;
  return `cannot make a PID namespace, ${obstacle}; run it as root or enable user namespaces`;
}

/** Ends the demo as the signal would, but by way of its 'exit' event, which ends the namespace. */
function endOn(signal, status) {
  process.once(signal, () => process.exit(status));
}

/** @returns what was counted; what went wrong is in `failures`, a line each */
async function run(command, rounds) {
  const result = { kills: 0, exitsSeen: 0, pngs: 0, unavailable: 0, zombies: undefined, failures: [] };
  const directory = mkdtempSync(join(tmpdir(), 'shots-'));
  say(dim(`$ unshare ${[...unshareArguments, ...command].join(' ')}`));
  const child = startInNamespace(command, {
    cwd: packageRoot,
    // The service uses the node that runs this. What it cannot remove because it is killed is removed here.
    env: {
      ...process.env,
      PATH: [dirname(process.execPath), process.env['PATH']].join(delimiter),
      TMPDIR: directory,
    },
    timeout: DEADLINE_MS + rounds * DEADLINE_PER_ROUND_MS,
  });
  const closed = once(child, 'close');
  const end = () => {
    child.kill('SIGKILL');
    // unshare's death kills PID 1, and that all others; what they write until then is in the way.
    rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  };
  process.once('exit', end);
  const log = [];
  createInterface({ input: child.stderr }).on('line', (line) => log.push(line));
  try {
    await measure(child, rounds, result);
    const [code, signal] = await closed;
    if (code !== 0) throw new Error(`the service ended with ${signal ?? code}`);
  } catch (error) {
    result.failures.push(error.message);
  } finally {
    child.kill('SIGKILL');
    await closed.catch(() => {});
    process.off('exit', end);
    end();
  }
  for (const line of result.failures) console.error(`demo: ${line}`);
  if (result.failures.length > 0) for (const line of log) console.error(`  ${line}`);
  return result;
}

async function measure(child, rounds, result) {
  const lines = createInterface({ input: child.stdout });
  const [, origin] = await lineMatching(lines, /^listening on (.+)$/);
  const showProgress = progress(rounds);
  for (let round = 1; round <= rounds; round++) {
    await killInTheMiddle({ child, lines, origin, round, result });
    showProgress(round, zombiesOf(readNamespace(child.pid)).length);
  }

  const { exits } = await status(origin);
  result.exitsSeen = exits.SIGKILL ?? 0;
  result.zombies = zombiesOf(await settled(child, origin)).length;
  say(`browsers whose exit by SIGKILL the service saw: ${result.exitsSeen} of ${result.kills}`);
  say(`zombies left: ${result.zombies}`);
  process.kill(readNamespace(child.pid).get(1).hostPid, 'SIGTERM');
}

/** One round: a screenshot over which the browser is killed, and one that has to go well. */
async function killInTheMiddle({ child, lines, origin, round, result }) {
  const page = `${origin}/page/${round}`;
  const holding = lineMatching(lines, new RegExp(`^holding page ${round}, browser (\\d+)$`));
  const cut = screenshot(origin, `${page}?hold`);
  const tooEarly = cut.then(({ status, body }) => {
    const answer = status === 200 ? 'a screenshot' : `${status}, ${body.toString().trim()}`;
    throw new Error(`round ${round}: an answer before the browser was killed: ${answer}`);
  });
  const [, browser] = await Promise.race([holding, tooEarly]);

  const before = readNamespace(child.pid);
  process.kill(before.get(Number(browser)).hostPid, 'SIGKILL');
  result.kills++;
  judge(await cut, { round, mayBeUnavailable: true, result });
  judge(await screenshot(origin, page), { round, mayBeUnavailable: false, result });
  if (round === 1) await showTrees(before, browser, { child, origin });
}

/** Draws what was there in the middle of a screenshot, and what has become of that. */
async function showTrees(before, killed, { child, origin }) {
  say(`browser ${killed} is loading a page`);
  show(before, [...before.keys()]);
  const after = await settled(child, origin);
  const { pid } = await status(origin);
  // A zombie has no arguments, by which its helpers could be told apart: they keep the names they had.
  for (const [pid, { name }] of before) if (after.get(pid)?.state === 'Z') after.get(pid).name = name;
  say(`browser ${killed} killed; ${pid} has taken the screenshot instead, its helpers left out`);
  show(after, [1, ...before.keys(), pid]);
}

/** @returns a table in which all helpers of former browsers have ended, and are reaped if they ever will be */
async function settled(child, origin) {
  const { pid: browser } = await status(origin);
  let deadline = Number.POSITIVE_INFINITY;
  for (;;) {
    const table = readNamespace(child.pid);
    const started = table.get(browser)?.startTime;
    if (started === undefined) throw new Error('the browser ended, and nobody had killed it');
    const old = [...table.values()].filter((found) => found.parent === 1 && found.startTime < started);
    if (old.length === 0 || performance.now() > deadline) return table;
    // The last one's end is what the time to reap them is counted from.
    if (old.some(({ state }) => state !== 'Z')) deadline = Number.POSITIVE_INFINITY;
    else if (deadline === Number.POSITIVE_INFINITY) deadline = performance.now() + REAP_MS;
    await sleep(POLL_MS);
  }
}

function zombiesOf(table) {
  return [...table.values()].filter(({ parent, state }) => parent === 1 && state === 'Z');
}

async function status(origin) {
  return (await fetch(`${origin}/status`, within(DEADLINE_MS))).json();
}

async function screenshot(origin, url) {
  const answer = await fetch(`${origin}/screenshot?url=${encodeURIComponent(url)}`, within(DEADLINE_MS));
  return { status: answer.status, body: Buffer.from(await answer.arrayBuffer()) };
}

function judge({ status, body }, { round, mayBeUnavailable, result }) {
  if (status === 503 && mayBeUnavailable) {
    result.unavailable++;
    return;
  }
  try {
    if (status !== 200) throw new Error(`status ${status}, ${body.toString().trim()}`);
    const { topLeft } = readPng(body);
    const colour = colourOf(round);
    if (topLeft.join() !== colour.join()) throw new Error(`a PNG of ${topLeft}, where the page is ${colour}`);
    result.pngs++;
  } catch (error) {
    result.failures.push(`round ${round}: ${error.message}`);
  }
}

/** Any screenshot of the run was what it had to be, and the service missed no browser's end. */
function isFlawless({ kills, exitsSeen, pngs, unavailable, failures }) {
  return failures.length === 0 && exitsSeen === kills && pngs + unavailable === 2 * kills;
}

/** @throws {Error} if the service ends without a line like that, or the deadline passes */
async function lineMatching(lines, pattern) {
  for await (const [line] of on(lines, 'line', { close: ['close'], ...within(DEADLINE_MS) })) {
    const match = pattern.exec(line);
    if (match !== null) return match;
  }
  throw new Error('the service ended by itself');
}

function within(deadlineMs) {
  return { signal: AbortSignal.timeout(deadlineMs) };
}

function comparison(results) {
  const row = (label, cells) =>
    label.padEnd(44) + cells.map((cell) => String(cell ?? '?').padStart(15)).join('');
  const rowOf = (label, key) =>
    row(
      label,
      results.map((result) => result[key]),
    );
  return [
    row(
      '',
      results.map(({ init }) => init),
    ),
    rowOf('browser kills', 'kills'),
    rowOf('browser exits by SIGKILL seen by the service', 'exitsSeen'),
    rowOf('screenshots received as real PNGs', 'pngs'),
    rowOf('screenshots refused with 503', 'unavailable'),
    rowOf('zombies left', 'zombies'),
  ];
}

/** @returns shows how far the run is: on a terminal in one line that is written over */
function progress(rounds) {
  return (round, zombies) => {
    const line = `round ${round} of ${rounds}: ${zombies} zombies`;
    const isLast = round === rounds;
    if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K  ${line}${isLast ? '\n' : ''}`);
    else if (isLast || round % ROUNDS_A_LINE === 0) say(line);
  };
}

function show(table, pids) {
  for (const line of drawTree(table.values(), pids)) say(`  ${line}`);
}

function headline(text) {
  console.log(`\n${styled(1, `== ${text} ==`)}`);
}

function say(line) {
  console.log(`  ${marked(line)}`);
}

function marked(line) {
  return line
    .replace('Z zombie', (text) => styled(31, text))
    .replace(/zombies left: (.+)/, (text, count) => styled(count === '0' ? 32 : 31, text));
}

function dim(text) {
  return styled(2, text);
}

/** @param {number} rendition a parameter of SGR, console_codes(4) */
function styled(rendition, text) {
  return process.stdout.isTTY ? `\x1b[${rendition}m${text}\x1b[0m` : text;
}
