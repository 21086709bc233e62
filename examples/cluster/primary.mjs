// A node:cluster primary that is its own init. It kills each worker that sends no heartbeats, together with all that
// the worker started, and forks another. What was killed below the worker comes to the primary, which reaps it.
// Usage: node --import subreaper/register examples/cluster/primary.mjs [--rounds N] [--json]

import cluster from 'node:cluster';
import { once } from 'node:events';
import { get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { descendants, killTree, register } from 'subreaper';
import { drawTree } from '../hung-workers/draw-tree.mjs';

const WORKERS = 2;
/** A worker that has sent no heartbeat for this long hangs. It sends ten in this time. */
const SILENCE_MS = 1000;
/** What a hung worker has started gets this long between SIGTERM and SIGKILL. */
const GRACE_MS = 300;
/** Whatever is awaited and takes longer than this fails the run. */
const DEADLINE_MS = 10_000;
const POLL_MS = 10;

const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, json: { type: 'boolean', default: false } },
});
const rounds = Number(options.rounds);
// The same as that of --import, for the number of orphans it reaped.
const registration = register();
/** Those that have exited, and how: the primary's own view, from node:cluster. */
const exits = new Map();
let port;
let isEnding = false;

process.title = 'node primary';
process.once('SIGINT', () => endAtOnce(130));
process.once('SIGTERM', () => endAtOnce(143));
cluster.setupPrimary({ exec: fileURLToPath(new URL('worker.mjs', import.meta.url)) });
cluster.on('exit', (worker, code, signal) => exits.set(worker, signal ?? code));
cluster.on('listening', (_, address) => {
  port = address.port;
});

try {
  process.exitCode = await main();
} catch (error) {
  // What is killed at a signal is missed by whoever awaits something of it.
  if (!isEnding) console.error(`primary: ${error.message}`);
  await endAtOnce(1);
}

async function main() {
  const serving = await Promise.all(Array.from({ length: WORKERS }, forkWorker));
  const killed = [];
  for (let round = 1; round <= rounds; round++) {
    const [hanging, ...others] = serving.splice(0);
    await killHung(hanging, { draw: round === 1 });
    killed.push(hanging);
    serving.push(...others, await forkWorker());
    await request();
    if (round === 1) print('the primary, with another worker:', drawDescendants());
  }
  const left = await whatIsLeft(serving);
  const reaped = registration.reaped;
  const gracefully = await disconnect(serving);
  const result = {
    workersKilled: killed.length,
    exitsSeen: killed.filter((worker) => exits.has(worker)).length,
    orphansLeft: left.filter(({ state }) => state !== 'Z').length,
    zombiesLeft: left.filter(({ state }) => state === 'Z').length,
    reaped,
    endedGracefully: gracefully,
  };
  console.log(`hung workers killed: ${result.workersKilled}`);
  console.log(`their exits, seen by the primary: ${result.exitsSeen}`);
  console.log(`processes left besides the ${WORKERS} workers: ${result.orphansLeft}`);
  console.log(`zombies left: ${result.zombiesLeft}`);
  console.log(`orphans reaped: ${result.reaped}`);
  console.log(`workers ended gracefully: ${result.endedGracefully} of ${WORKERS}`);
  if (options.json) console.log(JSON.stringify(result));
  return isRight(result) ? 0 : 1;
}

function isRight({ workersKilled, exitsSeen, orphansLeft, zombiesLeft, reaped, endedGracefully }) {
  return (
    workersKilled === rounds &&
    exitsSeen === rounds &&
    orphansLeft === 0 &&
    zombiesLeft === 0 &&
    reaped >= rounds &&
    endedGracefully === WORKERS
  );
}

/** @returns a worker that serves */
async function forkWorker() {
  const worker = cluster.fork();
  await once(worker, 'listening', { signal: AbortSignal.timeout(DEADLINE_MS) });
  return worker;
}

async function killHung(worker, { draw }) {
  const { pid } = worker.process;
  worker.send('hang');
  await silence(worker);
  console.log(`worker ${pid} hangs; it has started ${descendants(pid).length} processes`);
  if (draw) print('the primary, with a worker that hangs:', drawDescendants());

  // Not worker.kill(): that asks the worker to disconnect, and leaves alone what it has started.
  const exit = once(worker, 'exit', { signal: AbortSignal.timeout(DEADLINE_MS) });
  await killTree(pid, { graceMs: GRACE_MS });
  const [code, signal] = await exit;
  console.log(`worker ${pid} ended with ${signal ?? code}`);
}

/** Resolves when a worker has not been heard of for SILENCE_MS. */
function silence(worker) {
  return new Promise((resolve, reject) => {
    const forget = () => {
      clearTimeout(timer);
      worker.off('message', onHeartbeat).off('exit', onExit);
    };
    const timer = setTimeout(() => {
      forget();
      resolve();
    }, SILENCE_MS);
    const onHeartbeat = () => timer.refresh();
    const onExit = (code, signal) => {
      forget();
      reject(new Error(`worker ${worker.process.pid} was to hang, and ended with ${signal ?? code}`));
    };
    worker.on('message', onHeartbeat).on('exit', onExit);
  });
}

/** One request to the service: the workers that are there answer it. */
async function request() {
  const [response] = await once(get({ port, host: '127.0.0.1' }), 'response', {
    signal: AbortSignal.timeout(DEADLINE_MS),
  });
  response.resume();
  if (response.statusCode !== 200) throw new Error(`the service answers with ${response.statusCode}`);
}

/**
 * killTree resolves once all have ended; to be reaped takes them a turn of the event loop more, and the kernel has no
 * event for it: /proc is read until it holds.
 * @returns what is below the primary at the end, besides its workers
 */
async function whatIsLeft(workers) {
  const pids = workers.map((worker) => worker.process.pid);
  const deadline = performance.now() + DEADLINE_MS;
  for (;;) {
    const left = descendants(process.pid).filter(({ pid }) => !pids.includes(pid));
    if (left.length === 0 || performance.now() > deadline) return left;
    await sleep(POLL_MS);
  }
}

/** @returns how many ended by themselves, with 0 */
async function disconnect(workers) {
  const signal = AbortSignal.timeout(DEADLINE_MS);
  await Promise.all(
    workers.map((worker) => {
      const exit = once(worker, 'exit', { signal });
      worker.disconnect();
      return exit;
    }),
  );
  return workers.filter((worker) => exits.get(worker) === 0).length;
}

/** Leaves nothing behind: neither a worker nor what one started. */
async function endAtOnce(status) {
  if (isEnding) return;
  isEnding = true;
  await Promise.all(descendants(process.pid).map(({ pid }) => killTree(pid, { graceMs: 0 })));
  await whatIsLeft([]);
  process.exit(status);
}

function drawDescendants() {
  const self = { pid: process.pid, parent: process.ppid, name: process.title, state: 'R' };
  const processes = [self, ...descendants(process.pid)];
  return drawTree(
    processes,
    processes.map(({ pid }) => pid),
  );
}

function print(title, lines) {
  console.log(title);
  for (const line of lines) console.log(`  ${line}`);
}
