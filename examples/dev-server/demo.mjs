// SIGKILLs a runner whose dev server was started by spawn, and one that used spawnBound, and takes the port again.
// Usage: node examples/dev-server/demo.mjs [--json]

import { once } from 'node:events';
import { createServer } from 'node:net';
import { conclude, killOwners } from '../../test/helpers/killed-owners.mjs';

process.chdir(new URL('../..', import.meta.url).pathname);
const port = await listen(0);
const runner = (how) => ['node', 'examples/dev-server/runner.mjs', how, String(port)];
const results = await killOwners([
  { name: 'spawn', line: runner('spawn'), isBound: false },
  { name: 'spawnBound', line: runner('spawnBound'), isBound: true },
]);
console.log(`port ${await listen(port)} is free`);
conclude(results);

/** Listens for a moment. @returns the port */
async function listen(wanted) {
  const listener = createServer().listen(wanted, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address();
  listener.close();
  await once(listener, 'close');
  return port;
}
