// Starts a command in one of three ways. Usage: spawner.mjs OUT HOW FILE COMMAND...
// The command writes to FILE when its first instruction ran. Writes to OUT how long that and the exit event took, in ms.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { spawnBound } from 'subreaper';

const [out, how, file, ...command] = process.argv.slice(2);
const init = [fileURLToPath(new URL('../../bin/subreaper', import.meta.url)), '--'];
const [program, ...args] = how === 'subreaper' ? [...init, ...command] : command;
const start = how === 'spawnBound' ? spawnBound : spawn;
const clock = () => Number(process.hrtime.bigint()) / 1e6;

let startedAt;
// The first start loads node's modules.
for (let starts = 0; starts < 2; starts++) {
  writeFileSync(file, '');
  startedAt = clock();
  await once(start(program, args, { stdio: 'ignore' }), 'exit');
}
const exitAt = clock();
writeFileSync(out, `${Number.parseFloat(readFileSync(file, 'latin1')) - startedAt} ${exitAt - startedAt}`);
