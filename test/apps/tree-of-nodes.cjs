// As hard-tree.cjs, of nodes alone: a server on a port, a process in another session, and two that have left their parents. All
// ignore SIGTERM.
const { spawn } = require('node:child_process');
const { createServer } = require('node:net');

const [port, isLeaf] = process.argv.slice(2);
process.on('SIGTERM', () => {});
if (isLeaf) {
  setInterval(() => {}, 2 ** 31 - 1);
  console.log('leaf');
}
if (!isLeaf) {
  const script = '("$@" & "$@" &); exec "$@"';
  const leaf = [process.execPath, __filename, port, 'leaf'];
  spawn('sh', ['-c', script, 'sh', ...leaf], { detached: true, stdio: 'ignore' });
  createServer().listen(port, '127.0.0.1', () => console.log('listening'));
}
