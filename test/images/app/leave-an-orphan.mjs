// Leaves an orphan, which ends with the standard input, and stays.
import { spawnSync } from 'node:child_process';

const orphan = 'process.stdin.resume()';
const parent = `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(orphan)}],
  { detached: true, stdio: ['inherit', 'ignore', 'inherit'] }).unref()`;
spawnSync(process.execPath, ['-e', parent], { stdio: 'inherit' });
console.log('ready');
setInterval(() => {}, 2 ** 31 - 1);
