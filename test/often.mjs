// Runs test files twenty times, and tells which tests fail by chance. Usage:
//   npm run suite often -- FILE...             as vitest takes them: any part of a path
//   npm run suite often -- [--since COMMIT]    of `npm test`, the files that differ since COMMIT (HEAD~1), and those that
//                                              import what differs
// Status 1 if any failed.
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { raiseMachinePidMax } from './helpers/namespace.mjs';
import { nameOf, runTests } from './helpers/test-run.mjs';
import { reports, suites } from './suites.mjs';

const BUSY_LOOPS = 4;
const folder = `${reports}/often`;

/** How often on each machine. `begin` puts it into this state, and returns what undoes that. */
const machines = [
  { name: 'quiet', times: 10, begin: () => () => {} },
  { name: 'beside busy loops', times: 5, begin: startLoops },
  { name: 'pid_max 4,194,304', times: 5, begin: raiseMachinePidMax },
];

/** They end with this process, however it ends. */
function startLoops() {
  const loop = 'while kill -0 $PPID; do :; done';
  const loops = Array.from({ length: BUSY_LOOPS }, () => spawn('sh', ['-c', loop], { stdio: 'ignore' }));
  return () => {
    for (const loop of loops) loop.kill();
  };
}

function commandOf(args) {
  const options = { since: { type: 'string', default: 'HEAD~1' } };
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    if (positionals.length > 0) return ['vitest', 'run', ...positionals];
    return [...suites.test.command.split(' '), '--changed', values.since];
  } catch (error) {
    console.error(`subreaper: ${error.message}; usage: npm run suite often -- [--since COMMIT] [FILE...]`);
    process.exit(2);
  }
}

const command = commandOf(process.argv.slice(2));
const leftOut = new Map();
/** Each test that failed: how often on which machine, and what it said first. */
const found = new Map();
let isFirst = true;
mkdirSync(folder, { recursive: true });

for (const { name, times, begin } of machines) {
  let end;
  try {
    end = begin();
  } catch (error) {
    leftOut.set(name, error.message);
    continue;
  }
  for (let time = 1; time <= times; time++) {
    console.log(`\n=== ${name}, ${time} of ${times}`);
    const { failed, tests } = await runTests(command, `${folder}/${name.replaceAll(' ', '-')}-${time}`);
    // vitest has said why.
    if (isFirst && tests.length === 0 && failed.every(({ file }) => file === ''))
      process.exit(failed.length === 0 ? 0 : 2);
    isFirst = false;
    for (const test of new Set(failed.map(nameOf))) {
      const { message } = failed.find((failure) => nameOf(failure) === test);
      if (!found.has(test)) found.set(test, { message, counts: new Map() });
      const { counts } = found.get(test);
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  }
  end();
}

console.log();
const table = [...found].map(([test, { message, counts }]) => {
  const cells = machines.map(({ name, times }) => [
    name,
    leftOut.has(name) ? 'not run' : `${counts.get(name) ?? 0} of ${times}`,
  ]);
  return [test, { ...Object.fromEntries(cells), 'first message': message.split('\n')[0] }];
});
if (table.length > 0) console.table(Object.fromEntries(table));
for (const [test, { message }] of found) console.log(`${test}\n${message}\n`);
for (const [name, message] of leftOut) console.log(`${name}: not run, needs root (${message})`);
console.log(found.size === 0 ? 'no test failed' : `${found.size} failed`);
process.exitCode = found.size === 0 ? 0 : 1;
