// Runs the service, gives it jobs, and says whether it has counted the orphans.
// Usage: node examples/prometheus/demo.mjs [--json]

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const JOBS = 3;
/** What takes longer than this fails the run. */
const DEADLINE_MS = 60_000;
const POLL_MS = 20;

const packageRoot = fileURLToPath(new URL('../..', import.meta.url));
const app = ['--import', 'subreaper/register', 'examples/prometheus/service.mjs'];
console.log(`$ node ${app.join(' ')}`);
const service = spawn(process.execPath, app, { cwd: packageRoot, stdio: ['ignore', 'pipe', 'inherit'] });
process.once('exit', () => service.kill('SIGKILL'));
const exit = once(service, 'exit');
try {
  process.exitCode = await main();
} finally {
  service.kill('SIGTERM');
  await exit;
}

async function main() {
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const [line] = await once(createInterface({ input: service.stdout }), 'line', { signal });
  const get = async (path) => (await fetch(`http://127.0.0.1:${/\d+/.exec(line)}${path}`, { signal })).text();
  for (let count = 0; count < JOBS; count++) await get('/job');
  // An orphan ends some time after its job.
  let metrics = await get('/metrics');
  while (counted(metrics) < 2 * JOBS) {
    await sleep(POLL_MS, undefined, { signal });
    metrics = await get('/metrics');
  }
  console.log(metrics.trimEnd());
  const orphans = metrics.split('\n').filter((text) => text.startsWith('subreaper_orphans_total'));
  if (process.argv.includes('--json')) console.log(JSON.stringify({ orphans }));
  return counted(metrics) === 2 * JOBS ? 0 : 1;
}

function counted(metrics) {
  const counts = metrics.matchAll(/^subreaper_orphans_total\{.*\} (\d+)$/gm);
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
}
