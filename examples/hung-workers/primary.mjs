// The workload: a node:cluster primary that, three times over, SIGKILLs a hung worker. What the worker had shelled
// out is orphaned by that and goes to PID 1 (or to the nearest subreaper), which has to reap it. The primary does
// nothing for it, as no primary does: it looks on in /proc and tells what became of each orphan.

import cluster from 'node:cluster';
import { once } from 'node:events';
import { allProcesses, descendantsOf, processStat, until } from '../../test/helpers/proc.mjs';
import { slowness } from '../../test/helpers/slowness.mjs';
import { drawTree } from './draw-tree.mjs';
import { shelledOut, work } from './worker.mjs';

const ROUNDS = 3;
/** Whatever is awaited and takes longer than this fails the run. */
const DEADLINE_MS = 5000;
/** An ended orphan is a zombie until its parent reaps it. One that nobody has reaped after this long is left. */
const REAP_MS = 1000;

if (cluster.isPrimary) await main();
else work();

async function main() {
  process.title = 'node primary';
  const orphans = [];
  for (let round = 1; round <= ROUNDS; round++) {
    orphans.push(...(await killHungWorker({ draw: round === 1 })));
  }
  const areGone = () => refresh(orphans).every(({ state }) => state === 'gone');
  // The report tells of those that are not.
  await until(areGone, 'the orphans are gone', REAP_MS).catch(() => {});
  report(orphans);
}

/** @returns the worker's orphans, each of which has ended */
async function killHungWorker({ draw }) {
  const worker = await forkHungWorker();
  const { pid } = worker.process;
  const orphans = await until(
    () => {
      const found = descendantsOf(pid);
      return sameNames(found, shelledOut) && found;
    },
    `worker ${pid} has shelled out`,
    DEADLINE_MS,
  );
  const pids = orphans.map((orphan) => orphan.pid);
  console.log(`worker ${pid} hangs; it has shelled out ${pids.length} commands`);
  if (draw) print(drawTree(allProcesses(), pids));

  await kill(worker);
  const family = [pid, ...pids];
  const areAdopted = () =>
    refresh(orphans).every(({ state, parent }) => state === 'gone' || !family.includes(parent));
  await until(areAdopted, `the orphans of worker ${pid} are adopted`, DEADLINE_MS);
  console.log(`worker ${pid} killed; its orphans go to another parent`);
  if (draw) print(drawTree(allProcesses(), [process.pid, ...pids]));

  const haveEnded = () => refresh(orphans).every(({ state }) => state === 'gone' || state === 'Z');
  await until(haveEnded, `the orphans of worker ${pid} have ended`, DEADLINE_MS);
  console.log(`worker ${pid}: its orphans have ended`);
  return orphans;
}

async function forkHungWorker() {
  const worker = cluster.fork();
  // A primary that fails leaves no busy loop behind.
  process.once('exit', () => worker.process.kill('SIGKILL'));
  await once(worker, 'message', { signal: AbortSignal.timeout(Math.ceil(DEADLINE_MS * slowness())) });
  return worker;
}

/** Not worker.kill(): that asks the worker to disconnect first, and a hung one never does. */
async function kill(worker) {
  const exit = once(worker, 'exit', { signal: AbortSignal.timeout(Math.ceil(DEADLINE_MS * slowness())) });
  worker.process.kill('SIGKILL');
  await exit;
}

function report(orphans) {
  const rows = orphans.map(({ pid, name, state, parent }) =>
    state === 'gone'
      ? row(pid, name, 'gone', '-')
      : row(pid, name, 'Z zombie', `${parent} ${processStat(parent)?.name ?? ''}`),
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

/** Brings the orphans up to date; one that is gone keeps the name it had. */
function refresh(orphans) {
  for (const orphan of orphans) Object.assign(orphan, processStat(orphan.pid) ?? { state: 'gone' });
  return orphans;
}

function sameNames(processes, names) {
  return (
    processes
      .map(({ name }) => name)
      .sort()
      .join() === names.join()
  );
}
