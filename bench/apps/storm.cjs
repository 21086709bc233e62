// An app in a storm of orphans. Usage: storm.cjs OUT HELPER RATE SECONDS
// Writes to OUT the delay of its event loop, p50, p99 and max in ms, and the most zombies.
const { spawn } = require('node:child_process');
const { readFileSync, writeFileSync, renameSync } = require('node:fs');
const { monitorEventLoopDelay } = require('node:perf_hooks');

const RESOLUTION_MS = 1;
const [out, helper, ...args] = process.argv.slice(2);
const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
const child = spawn(helper, [`${out}.storm`, ...args], { stdio: 'ignore' });
// The start of the child does not count.
setTimeout(() => delay.enable(), 100);
child.once('exit', () => {
  delay.disable();
  const zombies = Number(readFileSync(`${out}.storm`, 'utf8').split(' ')[2]);
  // The histogram has the nanoseconds between two ticks of a timer. The delay is the time beyond its resolution.
  const ms = (nanoseconds) => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);
  const [p50, p99, max] = [delay.percentile(50), delay.percentile(99), delay.max].map(ms);
  writeFileSync(`${out}.part`, `${p50} ${p99} ${max} ${zombies}\n`);
  renameSync(`${out}.part`, out);
  process.exit(0);
});
