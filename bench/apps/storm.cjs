// An app that orphans rain on: measures the delay of its event loop meanwhile. Usage: storm.cjs HELPER RATE SECONDS OUT
const { spawn } = require('node:child_process');
const { readFileSync, writeFileSync, renameSync } = require('node:fs');
const { monitorEventLoopDelay } = require('node:perf_hooks');

const RESOLUTION_MS = 1;
const [helper, rate, seconds, out] = process.argv.slice(2);
const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
const child = spawn(helper, [rate, seconds, `${out}.storm`], { stdio: 'ignore' });
// What starting the child costs is not the storm's.
setTimeout(() => delay.enable(), 100);
child.once('exit', () => {
  delay.disable();
  const [, ...samples] = readFileSync(`${out}.storm`, 'utf8').trim().split('\n');
  const zombies = Math.max(...samples.map((sample) => Number(sample.split(' ')[1])));
  // The histogram has the time from one tick of its timer to the next, in nanoseconds: the delay is what is beyond.
  const ms = (nanoseconds) => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);
  const result = {
    p50: ms(delay.percentile(50)),
    p99: ms(delay.percentile(99)),
    max: ms(delay.max),
    zombies,
  };
  writeFileSync(`${out}.part`, JSON.stringify(result));
  renameSync(`${out}.part`, out);
  process.exit(0);
});
