// An app without children: it works a little every few milliseconds. It prints the p99 of its event loop's delay, in
// microseconds: how much later than planned a timer runs.
import { createHash } from 'node:crypto';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const WARM_UP_MS = 300;
const MEASURED_MS = 3000;
const EVERY_MS = 4;
const RESOLUTION_MS = 1;
const block = Buffer.alloc(64 * 1024);

const work = setInterval(() => createHash('sha256').update(block).digest(), EVERY_MS);
const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
setTimeout(() => delay.enable(), WARM_UP_MS);
setTimeout(() => {
  delay.disable();
  clearInterval(work);
  console.log(Math.round(delay.percentile(99) / 1000));
}, WARM_UP_MS + MEASURED_MS);
