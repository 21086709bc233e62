// The workload: a node:cluster primary that, three times over, SIGKILLs a hung worker. What the worker had shelled
// out is orphaned by that and goes to PID 1 (or to the nearest subreaper), which has to reap it. The primary does
// nothing for it, as no primary does: it only looks on in /proc and tells what became of each orphan.

import cluster from 'node:cluster';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { descendants, drawTree, readProcessTable } from './process-table.mjs';
import { shelledOut, work } from './worker.mjs';

const ROUNDS = 3;
/** What may take at most this long fails the run. */
const DEADLINE_MS = 5000;
/** A zombie that nobody has reaped after this long is left. */
const REAP_MS = 1000;
const POLL_MS = 10;

if (cluster.isPrimary) await main();
else work();

async function main() {
  process.title = 'node primary';
  const orphans = [];
  for (let round = 1; round <= ROUNDS; round++) {
    orphans.push(...(await killHungWorker(round === 1)));
  }
  report(await reaped(orphans));
}

/** @returns the worker's orphans, all of them ended, as they were last seen */
async function killHungWorker(draw) {
  const worker = await forkHungWorker();
  const { pid } = worker.process;
  const before = await observe(`worker ${pid} to shell out`, (table) =>
    same(namesOf(descendants(table, pid)), shelledOut),
  );
  const orphans = descendants(before, pid);
  console.log(`worker ${pid} hangs; it has shelled out ${orphans.length} processes`);
  if (draw) print(drawTree(before, pidsOf(orphans)));

  await kill(worker);
  const family = [pid, ...pidsOf(orphans)];
  const after = await observe(`the orphans of worker ${pid} to be adopted`, (table) =>
    seen(orphans, table).every(({ ppid }) => !family.includes(ppid)),
  );
  const adopted = refresh(orphans, after);
  console.log(`worker ${pid} killed; its orphans go to another parent`);
  if (draw) print(drawTree(after, [process.pid, ...pidsOf(orphans)]));

  const end = await observe(`the orphans of worker ${pid} to end`, (table) =>
    seen(orphans, table).every(isZombie),
  );
  console.log(`worker ${pid}: its orphans have ended`);
  return refresh(adopted, end);
}

async function forkHungWorker() {
  const worker = cluster.fork();
  await once(worker, 'message', { signal: AbortSignal.timeout(DEADLINE_MS) });
  return worker;
}

/** cluster's own worker.kill() would ask the worker to disconnect first: a hung one never does. */
async function kill(worker) {
  const exit = once(worker, 'exit', { signal: AbortSignal.timeout(DEADLINE_MS) });
  worker.process.kill('SIGKILL');
  await exit;
}

/** An ended orphan is a zombie until its parent comes to reap it: who reaps at all gets the time to do so. */
async function reaped(orphans) {
  const table = await poll(REAP_MS, (table) => seen(orphans, table).length === 0);
  const left = seen(orphans, table).map(({ pid }) => pid);
  return orphans.map((orphan) => ({ ...orphan, state: left.includes(orphan.pid) ? 'Z zombie' : 'gone' }));
}

function report(orphans) {
  console.log('the orphans at the end:');
  const row = (pid, name, state, parent) =>
    `${String(pid).padStart(7)}  ${name.padEnd(8)}${state.padEnd(10)}${parent}`;
  const parents = readProcessTable();
  print([
    row('pid', 'name', 'state', 'parent'),
    ...orphans.map(({ pid, name, state, ppid }) =>
      row(pid, name, state, `${ppid} ${parents.get(ppid)?.name ?? ''}`),
    ),
  ]);
  console.log(`zombies left: ${orphans.filter(({ state }) => state !== 'gone').length}`);
}

/** /proc sends no events: it is read until the condition holds. */
async function observe(what, holds) {
  const table = await poll(DEADLINE_MS, holds);
  if (!holds(table)) throw new Error(`waited ${DEADLINE_MS} ms for ${what}`);
  return table;
}

/** @returns the first process table for which the condition holds, or the last one before the deadline */
async function poll(deadlineMs, holds) {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const table = readProcessTable();
    if (holds(table) || performance.now() > deadline) return table;
    await sleep(POLL_MS);
  }
}

/** Those of the processes that the table still holds, as it shows them. */
function seen(processes, table) {
  return processes.flatMap(({ pid }) => table.get(pid) ?? []);
}

/** All of the processes: as the table shows them, or as they were where they are gone. */
function refresh(processes, table) {
  return processes.map((process) => table.get(process.pid) ?? process);
}

function isZombie({ state }) {
  return state === 'Z';
}

function pidsOf(processes) {
  return processes.map(({ pid }) => pid);
}

function namesOf(processes) {
  return processes.map(({ name }) => name).sort();
}

function same(left, right) {
  return left.join() === right.join();
}

function print(lines) {
  for (const line of lines) console.log(`  ${line}`);
}
