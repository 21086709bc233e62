// The worker: answers requests, sends heartbeats, and on a certain job shells out and hangs.

import { spawn } from 'node:child_process';
import cluster from 'node:cluster';
import { once } from 'node:events';
import { createServer } from 'node:http';
// With this a worker adopts its own orphans: what double-forks below it stays below it, where killTree finds it.
// Without it such a process goes to the primary at once, and nothing says any more which worker it came from.
import 'subreaper/register';

const HEARTBEAT_MS = 100;

// Commands such as a service starts without knowing what they do: some leave the session, some their parent, and some
// are deaf to SIGTERM. None would end by itself before long.
const script = `
setsid sh -c 'sleep 1000 | gzip > /dev/null' &
(tail -f /dev/null &)
(setsid sleep 1000 &)
(trap '' TERM; exec sleep 1000) &
(trap '' TERM; while :; do sleep 0.1; done) &
echo started
wait
`;

process.title = 'node worker';
const server = createServer((_, response) => {
  // A connection that is kept alive would outlast the request, and hold up a graceful end.
  response.setHeader('Connection', 'close').end('served\n');
});
server.listen(0, '127.0.0.1');
setInterval(() => {
  // There is a moment between the end of the channel and that of the worker.
  if (process.connected) process.send('heartbeat');
}, HEARTBEAT_MS).unref();
process.on('message', (job) => {
  if (job === 'hang') shellOutAndHang();
});
// As services do: finish what has begun, then end. A worker that hangs never comes to it.
process.on('SIGTERM', () => cluster.worker.disconnect());

async function shellOutAndHang() {
  const shell = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(shell.stdout, 'data');
  for (;;);
}
