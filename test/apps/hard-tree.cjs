// A tree that is hard to end: a server on a port, and processes in other sessions, one of them an orphan. All of them ignore
// SIGTERM, and hold whatever descriptors they have inherited.
const { spawn } = require('node:child_process');
const { createServer } = require('node:net');

const [port] = process.argv.slice(2);
process.on('SIGTERM', () => {});
const script = "trap '' TERM; (setsid sh -c 'sleep 1000 & exec sleep 1001' &); exec sleep 1002";
spawn('sh', ['-c', script], { detached: true, stdio: 'inherit' });
createServer().listen(port, '127.0.0.1', () => console.log('listening'));
