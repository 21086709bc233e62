// Runs test files twenty times, and tells which tests fail by chance. Usage:
//   npm run suite often -- [FILE...]           as vitest takes them: any part of a path
//   npm run suite often -- [--since COMMIT]    those that differ since COMMIT (HEAD~1), and those that import what differs
// Status 1 if any failed.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { nameOf, runTests } from './helpers/test-run.mjs';
import { reports, suites } from './suites.mjs';

const PID_MAX = '/proc/sys/kernel/pid_max';
/** proc(5): the greatest value on 64 bits. */
const MOST_PIDS = '4194304';
const BUSY_LOOPS = 4;

/** @typedef {() => Promise<() => void>} Begin  makes the machine so; what it returns ends that */

/** @type {Readonly<Record<string, { times: number, begin: Begin }>>} */
const machines = {
  quiet: { times: 10, begin: async () => () => {} },
  'beside busy loops': { times: 5, begin: startLoops },
  'pid_max 4,194,304': { times: 5, begin: raisePidMax },
};

async function startLoops() {
  const loops = Array.from({ length: BUSY_LOOPS }, () => spawn('sh', ['-c', 'while :; do :; done']));
  await Promise.all(loops.map((loop) => once(loop, 'spawn')));
  return () => {
    for (const loop of loops) loop.kill();
  };
}

async function raisePidMax() {
  const before = readFileSync(PID_MAX, 'utf8');
  writeFileSync(PID_MAX, MOST_PIDS);
  return () => writeFileSync(PID_MAX, before);
}

function filesOf(args) {
  const options = { since: { type: 'string', default: 'HEAD~1' } };
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    return positionals.length > 0 ? positionals : ['--changed', values.since];
  } catch (error) {
    console.error(`subreaper: ${error.message}; usage: npm run suite often -- [--since COMMIT] [FILE...]`);
    process.exit(2);
  }
}

const command = [...suites.test.command.split(' '), ...filesOf(process.argv.slice(2))];
const names = Object.keys(machines);
const leftOut = [];
/** Each test that failed: how often on which machine, and what it said first. */
const found = new Map();
mkdirSync(reports, { recursive: true });

for (const [column, name] of names.entries()) {
  const { times, begin } = machines[name];
  let end;
  try {
    end = await begin();
  } catch (error) {
    leftOut.push(`${name}: left out, for it needs root (${error.message})`);
    continue;
  }
  // Also if it is interrupted.
  process.once('exit', end);
  for (let time = 1; time <= times; time++) {
    console.log(`\n=== ${name}, ${time} of ${times}`);
    const { failed, tests } = await runTests(command, `${reports}/${column}-${time}`);
    // vitest has said why.
    if (tests.length === 0 && failed.every(({ file }) => file === ''))
      process.exit(failed.length === 0 ? 0 : 2);
    const messages = new Map(failed.map((failure) => [nameOf(failure), failure.message]));
    for (const [test, message] of messages) {
      if (!found.has(test)) found.set(test, { message, counts: names.map(() => 0) });
      found.get(test).counts[column]++;
    }
  }
  process.off('exit', end);
  end();
}

const rows = [...found].map(([test, { message, counts }]) => [
  test,
  {
    ...Object.fromEntries(
      names.map((name, column) => [name, `${counts[column]} of ${machines[name].times}`]),
    ),
    'first message': message.split('\n')[0],
  },
]);
console.log();
if (rows.length > 0) console.table(Object.fromEntries(rows));
for (const [test, { message }] of found) console.log(`${test}\n${message}\n`);
for (const line of leftOut) console.log(line);
console.log(found.size === 0 ? 'no test failed' : `${found.size} failed`);
process.exitCode = found.size === 0 ? 0 : 1;
