// A soak of the reaper inside an app, as PID 1: 20,000 children of the app's own, each with a known end, among 100,000
// orphans, for two minutes. It passes if the app saw the right end of each of its children, reaped all orphans and
// nothing else, and has no zombie left. The soak keeps counting the zombies from outside.
// Usage: node test/soak/in-process/soak.mjs [--quick]    (needs cc, and root or user namespaces)
//   --quick  a twentieth of it, in 10 s
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { compile } from '../../helpers/compile.mjs';
import { namespaceObstacle, unshareArguments } from '../../helpers/namespace.mjs';
import { childrenOf, until } from '../../helpers/proc.mjs';
import { actor, actorSource } from '../paths.mjs';

const SAMPLE_MS = 100;
const EXIT_MS = 5000;
const MOST_WRONGS_TOLD = 5;

const { values: options } = parseArgs({ options: { quick: { type: 'boolean' } } });
const size = options.quick
  ? { own: 1000, orphans: 5000, seconds: 10 }
  : { own: 20_000, orphans: 100_000, seconds: 125 };
/** A slow machine takes longer than planned. After this time the app hangs. */
const deadlineMs = (4 * size.seconds + 120) * 1000;

const obstacle = namespaceObstacle();
if (obstacle !== undefined) throw new Error(`no PID namespace can be made: ${obstacle}`);
if (!compile(actorSource, actor)) throw new Error('no C compiler (cc)');

const appPath = new URL('app.mjs', import.meta.url).pathname;
const line = ['--import', 'subreaper/register', appPath, `${size.own}`, `${size.seconds}`];
// In another session Ctrl-C does not reach it: the soak ends it.
const app = spawn('unshare', [...unshareArguments, process.execPath, ...line], {
  detached: true,
  stdio: ['pipe', 'pipe', 'inherit'],
});
process.once('exit', () => app.kill('SIGKILL'));
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));
// An app that has ended does not read; its end is reported below.
app.stdin.on('error', () => {});

let report = { settled: 0, orphansMade: 0, reaped: 0, right: {}, wrongs: [] };
createInterface({ input: app.stdout }).on('line', (text) => {
  report = JSON.parse(text);
});

const startedAt = performance.now();
const zombies = [];
let failure;
try {
  await until(isOver, 'all have ended', deadlineMs, SAMPLE_MS);
  const closed = once(app, 'close', { signal: AbortSignal.timeout(EXIT_MS) });
  app.stdin.end();
  const [code, signal] = await closed;
  if (code !== 0) failure = `the app ended with ${signal ?? code}`;
} catch (error) {
  failure =
    error.name === 'AbortError' ? `the app does not end by itself within ${EXIT_MS} ms` : error.message;
}
app.kill('SIGKILL');

const { right, orphansMade, reaped, wrongs } = report;
const allRight = Object.values(right).reduce((sum, count) => sum + count, 0);
const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
console.log(`own children that ended as they were told to, by source: ${JSON.stringify(right)}`);
console.log(`orphans reaped: ${reaped}; zombies at once: ${Math.max(0, ...zombies)} at most; ${seconds} s`);
const wrong = [
  failure,
  ...wrongs.slice(0, MOST_WRONGS_TOLD),
  wrongs.length > MOST_WRONGS_TOLD && `and ${wrongs.length - MOST_WRONGS_TOLD} more`,
  allRight !== size.own && `${allRight} of ${size.own} own children ended as they were told to`,
  orphansMade !== size.orphans && `${orphansMade} of ${size.orphans} orphans were made`,
  reaped !== orphansMade && `${orphansMade} orphans were made, and ${reaped} reaped`,
  zombies.at(-1) !== 0 && `${zombies.at(-1) ?? 'an unknown number of'} zombies are left`,
].filter(Boolean);
for (const what of wrong) console.error(`soak: ${what}`);
console.log(wrong.length === 0 ? 'everything is right' : `${wrong.length} things are wrong`);
process.exitCode = wrong.length === 0 ? 0 : 1;

/** Counts the zombies until no child is left. From then on the number of reaped orphans is final. */
function isOver() {
  if (app.exitCode !== null || app.signalCode !== null) {
    throw new Error(`the app ended too early, with ${app.signalCode ?? app.exitCode}`);
  }
  const [init] = childrenOf(app.pid);
  if (init === undefined) return false;
  const children = childrenOf(init.pid);
  zombies.push(children.filter(({ state }) => state === 'Z').length);
  return report.settled >= size.own && children.length === 0;
}
