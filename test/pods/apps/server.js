// An HTTP service that shuts down on SIGTERM, with a worker in a session of its own that it does not end.
const { spawn } = require('node:child_process');
const { createServer } = require('node:http');

const worker = 'trap "echo worker: bye; exit" TERM; sleep 1000 & echo worker: ready; wait';
spawn('setsid', ['sh', '-c', worker], { stdio: 'inherit' });

const server = createServer((_request, response) => response.end('ok\n'));
server.listen(3000, () => console.log('ready'));
process.on('SIGTERM', () => {
  console.log('draining');
  server.close(() => {
    console.log('bye');
    process.exit();
  });
});
