// Runs the primary as PID 1 of a PID namespace and says whether it did its work.
// Usage: node examples/cluster/demo.mjs [--rounds N] [--json]

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { relative } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { namespaceObstacle, unshareArguments } from '../../test/helpers/namespace.mjs';

const packageRoot = fileURLToPath(new URL('../..', import.meta.url));
const primary = relative(packageRoot, fileURLToPath(new URL('primary.mjs', import.meta.url)));
/** A round takes 2 s; a run that takes this long hangs, and SIGKILL ends its namespace. */
const START_MS = 20_000;
const ROUND_MS = 10_000;

const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, json: { type: 'boolean', default: false } },
});
process.exitCode = await main();

async function main() {
  const obstacle = namespaceObstacle();
  if (obstacle !== undefined) {
    console.error(`demo: cannot make a PID namespace, ${obstacle}; run it as root or enable user namespaces`);
    return 1;
  }
  // The 'exit' event ends the namespace, whichever way the demo ends.
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
  const { result, ended } = await run();
  const isRight = ended === 0 && result !== undefined;
  if (result === undefined) console.error(`demo: the run failed, ended with ${ended}`);
  else {
    console.log(
      `\n${isRight ? 'right' : 'WRONG'}: ${result.workersKilled} hung workers killed, ${result.exitsSeen} exits seen, ` +
        `${result.reaped} orphans reaped, ${result.orphansLeft} left, ${result.zombiesLeft} zombies left`,
    );
    if (options.json) console.log(JSON.stringify(result));
  }
  return isRight ? 0 : 1;
}

/** @returns what the primary found, if it came to that, and how it ended */
async function run() {
  const app = ['--import', 'subreaper/register', primary, '--rounds', options.rounds];
  console.log(`$ unshare ${[...unshareArguments, 'node', ...app].join(' ')}`);
  // In a session of its own Ctrl-C does not reach it: the demo ends it.
  const child = spawn('unshare', [...unshareArguments, process.execPath, ...app, '--json'], {
    cwd: packageRoot,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: START_MS + Number(options.rounds) * ROUND_MS,
    killSignal: 'SIGKILL',
  });
  process.once('exit', () => child.kill('SIGKILL'));
  const closed = once(child, 'close');
  let result;
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('{')) result = JSON.parse(line);
    else console.log(line);
  }
  const [code, signal] = await closed;
  return { result, ended: signal ?? code };
}
