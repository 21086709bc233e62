// Starts a command in one of three ways. Usage: spawner.mjs OUT HOW FILE COMMAND...
// The command writes to FILE when its first instruction ran. Writes to OUT how long that and the exit event took, in ms.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { spawnBound } from 'subreaper';

const [out, how, file, ...command] = process.argv.slice(2);
const subreaper = fileURLToPath(new URL('../../bin/subreaper', import.meta.url));
const ways = {
  spawn: ([program, ...args], options) => spawn(program, args, options),
  subreaper: (words, options) => spawn(subreaper, ['--', ...words], options),
  spawnBound: ([program, ...args], options) => spawnBound(program, args, options),
};
const clock = () => Number(process.hrtime.bigint()) / 1e6;
const start = () => once(ways[how](command, { stdio: 'ignore' }), 'exit');

// The first start loads node's modules.
writeFileSync(file, '');
await start();
writeFileSync(file, '');
const startedAt = clock();
await start();
const exitAt = clock();
writeFileSync(out, `${Number.parseFloat(readFileSync(file, 'latin1')) - startedAt} ${exitAt - startedAt}`);
