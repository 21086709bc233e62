// Kills a process that owns a command, and waits for the end of the command and of its init: until then the pipe stays open.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { spawnBound } from 'subreaper';

if (process.argv[2] === 'own') {
  spawnBound(process.execPath, ['-e', 'console.log("bound"); setInterval(() => {}, 2 ** 31 - 1)'], {
    stdio: 'inherit',
  });
} else {
  const owner = spawn(process.execPath, [import.meta.filename, 'own'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(owner.stdout, 'data');
  owner.kill('SIGKILL');
  await once(owner.stdout, 'close');
  console.log(`${String(line).trim()}, and ended`);
}
