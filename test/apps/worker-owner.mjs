// The same in a worker thread, which a line of input ends.
import { isMainThread, Worker } from 'node:worker_threads';
import { spawnBound } from 'subreaper';

if (isMainThread) {
  const worker = new Worker(new URL(import.meta.url), { argv: process.argv.slice(2) });
  worker.on('message', (line) => console.log(line));
  process.stdin.once('data', () => worker.terminate().then(() => console.log('terminated')));
} else {
  const { parentPort } = await import('node:worker_threads');
  const [options, command, ...args] = process.argv.slice(2);
  const stdio = ['ignore', 'inherit', 'inherit'];
  const child = spawnBound(command, args, { stdio, ...JSON.parse(options) });
  parentPort.postMessage(`owns ${child.pid}`);
  setInterval(() => {}, 2 ** 31 - 1);
}
