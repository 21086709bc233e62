// Stops a service that is slow to stop, with subreaper --trace as PID 1, and draws the trace: docs/trace.svg.
//
//   npm run build && node examples/slow-stop/picture.mjs

import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startInNamespace } from '../../test/helpers/namespace.mjs';
import { childrenOf } from '../../test/helpers/proc.mjs';
import { drawTrace } from './draw-trace.mjs';

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'subreaper-'));
try {
  const file = join(folder, 'trace.json');
  const options = ['--trace', file, '--stop-delay', '700ms', '--grace', '600ms', '-q', '--'];
  const child = startInNamespace([path('../../bin/subreaper'), ...options, 'node', path('service.mjs')]);
  child.stderr.pipe(process.stderr);
  const ended = once(child, 'close');
  await once(child.stdout, 'data');
  // A picture of a service at rest, and then of its end.
  await sleep(500);
  const [init] = childrenOf(child.pid);
  process.kill(init.pid, 'SIGTERM');
  await ended;
  writeFileSync(
    path('../../docs/trace.svg'),
    drawTrace(JSON.parse(readFileSync(file, 'utf8')), 'A slow stop'),
  );
} finally {
  rmSync(folder, { recursive: true });
}
