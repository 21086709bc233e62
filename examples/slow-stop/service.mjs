// A service whose stop is slow. Each of its processes is this file, and calls itself what it is:
//   server    ends when its request has
//   request   needs another second when SIGTERM comes
//   worker    its parent starts it and ends, so init adopts it; it is in a session of its own, outlives the server, and ends
//             when init asks it to
//   cache     is in a session of its own as well, and ignores SIGTERM: only SIGKILL ends it

import { fork } from 'node:child_process';
import { once } from 'node:events';

const REQUEST_MS = 1000;
const [, file, role = 'server'] = process.argv;
process.title = role;

/** Starts this file in another role, and waits until it is ready. */
async function start(childRole, options) {
  const child = fork(file, [childRole], options);
  await once(child, 'message');
  return child;
}

const roles = {
  // What is in a session of its own (detached) does not get what init sends to the group.
  async server() {
    const request = await start('request');
    await start('cache', { detached: true });
    await start('starter');
    process.on('SIGTERM', () => request.on('exit', () => process.exit(0)));
    console.log('ready');
  },
  request() {
    process.on('SIGTERM', () => setTimeout(() => process.exit(0), REQUEST_MS));
  },
  cache() {
    process.on('SIGTERM', () => {});
  },
  async starter() {
    await start('worker', { detached: true });
    setTimeout(() => process.exit(0), 200);
  },
  worker() {},
};

await roles[role]();
// Whatever happens to the process that started it.
process.channel?.unref();
process.send?.('ready');
setInterval(() => {}, 60_000);
