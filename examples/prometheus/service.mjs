// A service that shells out, and serves its metrics.
// Usage: node --import subreaper/register examples/prometheus/service.mjs

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { register } from 'prom-client';
import './orphan-metrics.mjs';

// A job that leaves two processes, as scripts do. They wait for its end, so each of them becomes an orphan.
const job = `
afterwards() { while kill -0 $$ 2>/dev/null; do sleep 0.01; done; }
(afterwards; exec sleep 0.1) &
(afterwards; exit 3) &
`;

const routes = {
  '/job': async (response) => {
    await once(spawn('sh', ['-c', job], { stdio: 'ignore' }), 'exit');
    response.end('done\n');
  },
  '/metrics': async (response) => {
    response.setHeader('Content-Type', register.contentType).end(await register.metrics());
  },
};

const server = createServer((request, response) => {
  const route = routes[request.url];
  if (route !== undefined) return route(response);
  response.writeHead(404).end();
});
server.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1', () => {
  console.log(`listening on ${server.address().port}`);
});
