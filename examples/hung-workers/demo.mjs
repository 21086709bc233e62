// Runs the same workload under two inits, each as PID 1 of a PID namespace of its own, and compares what is left. Where
// no namespace can be made, each is a child subreaper.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { delimiter, dirname, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { namespaceObstacle, unshareArguments } from '../../test/helpers/namespace.mjs';
import { slowness } from '../../test/helpers/slowness.mjs';

const packageRoot = fileURLToPath(new URL('../..', import.meta.url));
const primary = relative(packageRoot, fileURLToPath(new URL('primary.mjs', import.meta.url)));
/** A run takes 3 s; one that takes this long hangs, and SIGKILL ends it. */
const DEADLINE_MS = 30_000 * slowness();

/** Both runs, and the launcher of subreaper, use the node that runs this. */
const environment = {
  ...process.env,
  PATH: [dirname(process.execPath), process.env['PATH']].join(delimiter),
};

const obstacle = namespaceObstacle();
const place = obstacle === undefined ? 'as PID 1' : 'as a child subreaper';
const inNamespace = obstacle === undefined ? ['unshare', ...unshareArguments] : [];
const adoptOrphans = new URL('adopt-orphans.mjs', import.meta.url).href;
const runs = [
  {
    init: 'bare node',
    command: ['node', ...(obstacle === undefined ? [] : ['--import', adoptOrphans]), primary],
  },
  { init: 'subreaper', command: ['bin/subreaper', '-vv', '--', 'node', primary] },
];

process.exitCode = await main();

async function main() {
  if (obstacle !== undefined) {
    console.log(
      `No PID namespace (${obstacle}): each init is a child subreaper, which adopts orphans as PID 1 does.`,
    );
  }
  endOn('SIGINT', 130);
  endOn('SIGTERM', 143);
  const zombies = [];
  for (const [index, { init, command }] of runs.entries()) {
    headline(`${index + 1}. ${init} ${place}`);
    zombies.push(await run(init, command));
  }
  headline('compared');
  for (const [index, { init }] of runs.entries()) {
    console.log(marked(`${init} ${place}: zombies left: ${zombies[index] ?? 'unknown'}`));
  }
  return zombies[0] > 0 && zombies[1] === 0 ? 0 : 1;
}

/** Ends the demo as the signal would, but by way of its 'exit' event, which ends the namespace. */
function endOn(signal, status) {
  process.once(signal, () => process.exit(status));
}

/** @returns the number of zombies that the primary counted, or undefined if it did not come to that */
async function run(init, command) {
  const [file, ...args] = [...inNamespace, ...command];
  say(
    dim(
      `$ ${[file, ...args].join(' ').replace(adoptOrphans, `./${relative(packageRoot, fileURLToPath(adoptOrphans))}`)}`,
    ),
  );
  // A session of its own has no controlling terminal: init cannot take the demo's for its workload.
  const child = spawn(file, args, {
    cwd: packageRoot,
    env: environment,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const endChild = () => {
    // The session's one process group: without a namespace, nothing else ends with the init.
    if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid, 'SIGKILL');
  };
  const deadline = setTimeout(endChild, DEADLINE_MS);
  process.once('exit', endChild);
  const closed = once(child, 'close');
  const [output, log] = await Promise.all([readLines(child.stdout, say), readLines(child.stderr)]);
  const [code, signal] = await closed;
  clearTimeout(deadline);
  process.off('exit', endChild);

  if (init === 'subreaper') showReaped(log);
  if (code !== 0) {
    for (const line of log) console.error(line);
    console.error(`demo: the run failed, ended with ${signal ?? code}`);
    return undefined;
  }
  const count = /^zombies left: (\d+)$/.exec(output.at(-1) ?? '')?.[1];
  return count === undefined ? undefined : Number(count);
}

/** @returns every line of the stream, each one also handed on as it comes */
async function readLines(stream, onLine = () => {}) {
  const lines = [];
  for await (const line of createInterface({ input: stream })) {
    lines.push(line);
    onLine(line);
  }
  return lines;
}

/** subreaper's own events: docs/events.md. */
function showReaped(log) {
  const records = log.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
  const orphans = records.filter(({ event }) => event === 'orphan');
  say(`orphans that subreaper reaped, by its log: ${orphans.length}`);
  for (const { time, msg, 'process.pid': pid, 'process.executable.name': name } of orphans) {
    say(`  ${dim(new Date(time).toISOString().slice(11, 23))} ${msg}: ${pid} ${name}`);
  }
}

function headline(text) {
  console.log(`\n${styled(1, `== ${text} ==`)}`);
}

function say(line) {
  console.log(`  ${marked(line)}`);
}

function marked(line) {
  return line
    .replace('Z zombie', (text) => styled(31, text))
    .replace('orphan reaped', (text) => styled(32, text))
    .replace(/zombies left: (.+)/, (text, count) => styled(count === '0' ? 32 : 31, text));
}

function dim(text) {
  return styled(2, text);
}

/** @param {number} rendition a parameter of SGR, console_codes(4) */
function styled(rendition, text) {
  return process.stdout.isTTY ? `\x1b[${rendition}m${text}\x1b[0m` : text;
}
