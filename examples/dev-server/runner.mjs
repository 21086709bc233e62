// A test runner that starts a dev server, waits until it answers, and has tests that never end.
// Usage: node examples/dev-server/runner.mjs spawn|spawnBound PORT

import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { spawnBound } from 'subreaper';

const [how, port] = process.argv.slice(2);
const start = { spawn, spawnBound }[how];
const command = ['vite', '--host', '127.0.0.1', '--port', port, '--strictPort', 'examples/dev-server/app'];
start('npx', command, { stdio: ['ignore', 'ignore', 'inherit'] });

const url = `http://127.0.0.1:${port}/`;
let page;
while (page === undefined) {
  page = await fetch(url).then(
    (response) => response.text(),
    () => undefined,
  );
  if (page === undefined) await sleep(20);
}
console.log(`${url} answers: ${/<title>(.*)<\/title>/.exec(page)?.[1]}`);
setInterval(() => {}, 2 ** 31 - 1);
