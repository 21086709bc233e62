// Owns a tree: owner.cjs OPTIONS ARGUMENT... Says the pid of what holds the tree, and does what it is told.
const { spawnBound } = require('subreaper');

const [options, ...args] = process.argv.slice(2);
const child = spawnBound(process.execPath, args, { stdio: 'ignore', ...JSON.parse(options) });
child.on('exit', (code, signal) => process.send({ code, signal }));
process.send({ pid: child.pid });
process.on('message', (what) => {
  if (what === 'exit') process.exit(3);
  if (what === 'throw') throw new Error('crash');
  if (what === 'kill') child.kill();
});
