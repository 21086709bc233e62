// Counts the 'exit' and the 'close' events of 20,000 children of a bare node, and of one that loads subreaper/register, as
// PID 1 and not. It passes if each child had one of each.
// Usage: node test/load/events.mjs [CHILDREN]    (needs cc, and root or user namespaces)
import { once } from 'node:events';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { compile } from '../helpers/compile.mjs';
import { namespaceObstacle, places, startInNamespace } from '../helpers/namespace.mjs';
import { actor, actorSource } from '../soak/paths.mjs';

/** A child whose end is lost keeps the app running: then it is killed, without having counted. */
const TIMEOUT_MS = 3_600_000;
const ways = {
  bare: [],
  '--require': ['--require', 'subreaper/register'],
  '--import': ['--import', 'subreaper/register'],
};

const [children = '20000'] = process.argv.slice(2);
const obstacle = namespaceObstacle();
if (obstacle !== undefined) throw new Error(`no PID namespace can be made: ${obstacle}`);
if (!compile(actorSource, actor)) throw new Error('no C compiler (cc)');

// The namespaces end with this process, but only if it exits.
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));

const table = [];
for (const [place, prefix] of Object.entries(places)) {
  for (const [way, flags] of Object.entries(ways)) {
    const line = [
      ...prefix,
      process.execPath,
      ...flags,
      resolve(import.meta.dirname, 'events-app.mjs'),
      children,
    ];
    const app = startInNamespace(line, { timeout: TIMEOUT_MS });
    app.stderr.pipe(process.stderr);
    const [counts, [code, signal]] = await Promise.all([text(app.stdout), once(app, 'close')]);
    table.push({ place, way, ended: signal ?? code, ...JSON.parse(counts || '{}') });
    console.log(JSON.stringify(table.at(-1)));
  }
}
console.table(table);
const isRight = ({ exit, close, exitWithoutClose, closeWithoutExit, repeated }) =>
  exit === Number(children) &&
  close === Number(children) &&
  exitWithoutClose + closeWithoutExit + repeated === 0;
process.exitCode = table.every(isRight) ? 0 : 1;
