// Runs a suite. Usage: npm run suite NAME [-- arguments of its command]; without a name it lists the suites.
// A suite of vitest also writes build/report/NAME.json, unless the arguments name reporters.
import { spawnSync } from 'node:child_process';
import { delimiter, resolve } from 'node:path';
import { reportArguments, suites } from './suites.mjs';

const root = resolve(import.meta.dirname, '..');
const [name, ...args] = process.argv.slice(2);

if (name === undefined) list();
else if (Object.hasOwn(suites, name)) run(suites[name].command);
else {
  console.error(`subreaper: there is no suite '${name}'; npm run suite lists them`);
  process.exitCode = 2;
}

function list() {
  const width = Math.max(...Object.keys(suites).map(({ length }) => length));
  for (const [suite, { tries, time, needs }] of Object.entries(suites)) {
    console.log(`${suite.padEnd(width)}  ${tries.replaceAll('`', '')}`);
    console.log(`${''.padEnd(width)}  ${time}${needs === '' ? '' : `; needs ${needs}`}`);
  }
}

function run(command) {
  start('node build.mjs', []);
  const isReported =
    command.includes('vitest run') && !args.some((argument) => argument.startsWith('--reporter'));
  start(command, isReported ? [...args, ...reportArguments(name)] : args);
}

/** Ends as the command does, unless that succeeds. */
function start(command, rest) {
  const path = [resolve(root, 'node_modules/.bin'), process.env.PATH].join(delimiter);
  const { status, signal } = spawnSync('sh', ['-c', `${command} "$@"`, 'sh', ...rest], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, PATH: path },
  });
  if (signal !== null) process.kill(process.pid, signal);
  if (status !== 0) process.exit(status ?? 1);
}
