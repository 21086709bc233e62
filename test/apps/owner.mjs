// Owns a command: owner.mjs OPTIONS COMMAND [ARGUMENT...], with spawnBound's options as JSON. Stays if the command ends.
import { spawnBound } from 'subreaper';

const [options, command, ...args] = process.argv.slice(2);
const child = spawnBound(command, args, { stdio: 'inherit', ...JSON.parse(options) });
console.log(`owns ${child.pid}`);
setInterval(() => {}, 2 ** 31 - 1);
