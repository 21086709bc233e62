// The workload: a node:cluster primary that, three times over, SIGKILLs a hung worker. What the worker had shelled
// out is orphaned by that and goes to PID 1 (or to the nearest subreaper), which has to reap it. The primary does
// nothing for it, as no primary does: it looks on in /proc and tells what became of each orphan.

import cluster from 'node:cluster';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { descendants, drawTree, readProcessTable } from './process-table.mjs';
import { shelledOut, work } from './worker.mjs';

const ROUNDS = 3;
/** Whatever is awaited and takes longer than this fails the run. */
const DEADLINE_MS = 5000;
/** An ended orphan is a zombie until its parent reaps it. One that nobody has reaped after this long is left. */
const REAP_MS = 1000;
const POLL_MS = 10;

if (cluster.isPrimary) await main();
else work();

async function main() {
  process.title = 'node primary';
  const orphans = [];
  for (let round = 1; round <= ROUNDS; round++) {
    orphans.push(...(await killHungWorker({ draw: round === 1 })));
  }
  await poll(
    REAP_MS,
    () => look(orphans),
    () => orphans.every(({ state }) => state === 'gone'),
  );
  report(orphans);
}

/** @returns the worker's orphans, each of which has ended */
async function killHungWorker({ draw }) {
  const worker = await forkHungWorker();
  const { pid } = worker.process;
  const before = await until(`worker ${pid} has shelled out`, readProcessTable, (table) =>
    sameNames(descendants(table, pid), shelledOut),
  );
  const orphans = descendants(before, pid);
  const pids = orphans.map((orphan) => orphan.pid);
  console.log(`worker ${pid} hangs; it has shelled out ${pids.length} commands`);
  if (draw) print(drawTree(before, pids));

  await kill(worker);
  const family = [pid, ...pids];
  const after = await until(
    `the orphans of worker ${pid} are adopted`,
    () => look(orphans),
    () => orphans.every(({ state, ppid }) => state === 'gone' || !family.includes(ppid)),
  );
  console.log(`worker ${pid} killed; its orphans go to another parent`);
  if (draw) print(drawTree(after, [process.pid, ...pids]));

  await until(
    `the orphans of worker ${pid} have ended`,
    () => look(orphans),
    () => orphans.every(({ state }) => state === 'gone' || state === 'Z'),
  );
  console.log(`worker ${pid}: its orphans have ended`);
  return orphans;
}

async function forkHungWorker() {
  const worker = cluster.fork();
  // A primary that fails leaves no busy loop behind.
  process.once('exit', () => worker.process.kill('SIGKILL'));
  await once(worker, 'message', { signal: AbortSignal.timeout(DEADLINE_MS) });
  return worker;
}

/** Not worker.kill(): that asks the worker to disconnect first, and a hung one never does. */
async function kill(worker) {
  const exit = once(worker, 'exit', { signal: AbortSignal.timeout(DEADLINE_MS) });
  worker.process.kill('SIGKILL');
  await exit;
}

function report(orphans) {
  const table = readProcessTable();
  const rows = orphans.map(({ pid, name, state, ppid }) =>
    state === 'gone'
      ? row(pid, name, 'gone', '-')
      : row(pid, name, 'Z zombie', `${ppid} ${table.get(ppid)?.name ?? ''}`),
  );
  console.log('the orphans at the end:');
  print([row('pid', 'name', 'state', 'parent'), ...rows]);
  console.log(`zombies left: ${orphans.filter(({ state }) => state === 'Z').length}`);
}

function row(pid, name, state, parent) {
  return `${String(pid).padStart(7)}  ${name.padEnd(8)}${state.padEnd(10)}${parent}`;
}

function print(lines) {
  for (const line of lines) console.log(`  ${line}`);
}

/** Reads /proc and brings the orphans up to date; one that is gone keeps the name it had. */
function look(orphans) {
  const table = readProcessTable();
  for (const orphan of orphans) Object.assign(orphan, table.get(orphan.pid) ?? { state: 'gone' });
  return table;
}

async function until(what, read, holds) {
  const value = await poll(DEADLINE_MS, read, holds);
  if (!holds(value)) throw new Error(`${DEADLINE_MS} ms and it does not hold that ${what}`);
  return value;
}

/**
 * /proc sends no events: it is read until the condition holds.
 * @returns what was read last, for which the condition holds unless the deadline has passed
 */
async function poll(deadlineMs, read, holds) {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const value = read();
    if (holds(value) || performance.now() > deadline) return value;
    await sleep(POLL_MS);
  }
}

function sameNames(processes, names) {
  return (
    processes
      .map(({ name }) => name)
      .sort()
      .join() === names.join()
  );
}
