// One replica of the service that swarm.test.ts updates: a server with its own port on the host's network. It answers
// with the name of its task, after the time that the request asks for.

import { createServer } from 'node:http';

const { PORTS, SLOT, TASK, SHUTDOWN } = process.env;

const server = createServer((request, response) => {
  const { searchParams } = new URL(request.url, 'http://replica');
  setTimeout(
    () => {
      // The client must not send another request on a connection that is about to close.
      if (!server.listening) response.setHeader('Connection', 'close');
      response.end(TASK);
    },
    Number(searchParams.get('ms')),
  );
});
// Longer than any pause of a client: otherwise a connection may close just as a request comes.
server.keepAliveTimeout = 60_000;
server.listen(Number(PORTS.split(',')[SLOT - 1]), '127.0.0.1');

// Refuses new connections, closes idle ones, and answers open requests. Then nothing keeps the process alive.
if (SHUTDOWN === 'graceful') process.on('SIGTERM', () => server.close());
