// An app that orphans rain on: measures the delay of its event loop meanwhile. Usage: storm.cjs OUT HELPER RATE SECONDS
const { spawn } = require('node:child_process');
const { readFileSync, writeFileSync, renameSync } = require('node:fs');
const { monitorEventLoopDelay } = require('node:perf_hooks');

const RESOLUTION_MS = 1;
const [out, helper, ...args] = process.argv.slice(2);
const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
const child = spawn(helper, [`${out}.storm`, ...args], { stdio: 'ignore' });
// What starting the child costs is not the storm's.
setTimeout(() => delay.enable(), 100);
child.once('exit', () => {
  delay.disable();
  const [, ...samples] = readFileSync(`${out}.storm`, 'utf8').trim().split('\n');
  const zombies = Math.max(...samples.map((sample) => Number(sample.split(' ')[1])));
  // The histogram has the time from one tick of its timer to the next, in nanoseconds: the delay is what is beyond.
  const ms = (nanoseconds) => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);
  const [p50, p99, max] = [delay.percentile(50), delay.percentile(99), delay.max].map(ms);
  writeFileSync(`${out}.part`, JSON.stringify({ p50, p99, max, zombies }));
  renameSync(`${out}.part`, out);
  process.exit(0);
});
