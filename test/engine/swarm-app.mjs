// One replica of the service that swarm.test.ts updates: a server at a port of its own on the host's network. It tells
// which task answers, after the time that the request asks for.

import { createServer } from 'node:http';

const { PORTS, SLOT, TASK, SHUTDOWN } = process.env;

const server = createServer((request, response) => {
  const { searchParams } = new URL(request.url, 'http://replica');
  setTimeout(
    () => {
      // The client is not to send another request on a connection that is about to close.
      if (!server.listening) response.setHeader('Connection', 'close');
      response.end(TASK);
    },
    Number(searchParams.get('ms')),
  );
});
// Longer than any pause of a client: else a connection may close just as a request comes.
server.keepAliveTimeout = 60_000;
server.listen(Number(PORTS.split(',')[SLOT - 1]), '127.0.0.1');

// Refuses new connections, closes those that are idle, and answers what is under way. Then nothing holds the process.
if (SHUTDOWN === 'graceful') process.on('SIGTERM', () => server.close());
