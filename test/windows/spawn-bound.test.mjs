// spawnBound beside node's spawn: the same call, and what can be seen of it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { spawnBound } from 'subreaper';
import { node } from './tree.mjs';

const stays = 'setInterval(() => {}, 1000);';

/** What a child does until its end: its events in order, and what it writes. */
async function story(child) {
  const events = [];
  for (const name of ['spawn', 'error', 'exit', 'disconnect', 'message']) {
    child.on(name, (...args) => events.push([name, ...args.map(plain)]));
  }
  const read = [child.stdout, child.stderr, child.stdio?.[3]].map((stream) => stream && text(stream));
  // After its own disconnect() a parent gets no 'close'. An AbortSignal is an 'error', and an end follows.
  const ofRunning = child.connected ? ['exit', 'disconnect'] : ['exit'];
  const ends = child.pid === undefined ? ['error'] : ofRunning;
  await Promise.all(ends.map((name) => new Promise((done) => child.once(name, done))));
  const byName = (one, other) => one[0].localeCompare(other[0]);
  return { events: events.sort(byName), output: await Promise.all(read), file: child.spawnfile };
}

function plain(value) {
  if (!(value instanceof Error)) return value;
  const { name, code, syscall, path, spawnargs, message } = value;
  return { name, code, syscall, path, spawnargs, message };
}

const script = (source, options = {}) => [node, ['-e', source], options];
const messages =
  'process.on("message", (m) => process.send([m, typeof m.date], () => process.disconnect()));';

/** Each a call, and what is done with the child. */
const cases = {
  'exit code 0': [script('')],
  'exit code 3': [script('process.exit(3)')],
  'a crash': [script('process.exit(0xC0000005)')],
  'standard input and output': [
    script('process.stdin.on("data", (data) => console.log("got", String(data)))'),
    (child) => child.stdin.end('a line'),
  ],
  'standard error': [script('console.error("error")')],
  'a fourth stream': [
    script('require("node:fs").writeSync(3, "third")', { stdio: ['ignore', 'pipe', 'pipe', 'pipe'] }),
  ],
  'a stream behind one that is ignored': [
    script('require("node:fs").writeSync(4, "fourth")', {
      stdio: ['ignore', 'ignore', 'ignore', 'ignore', 'pipe'],
    }),
  ],
  'output that nobody reads': [script('console.log(1)', { stdio: 'ignore' })],
  'much output': [script('process.stdout.write("x".repeat(1e6))')],
  arguments: [[node, ['-p', 'process.argv', 'a "b" c\\', '', '\\"', 'ü', '%PATH%', '^&|']]],
  'messages as JSON': [
    script(messages, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] }),
    (child) => child.send({ date: new Date(0) }),
  ],
  'messages, advanced': [
    script(messages, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], serialization: 'advanced' }),
    (child) => child.send({ date: new Date(0) }),
  ],
  'a thousand messages, and the end': [
    script('for (let n = 0; n < 1000; n++) process.send(n, () => n === 999 && process.exit(4)); ', {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    }),
  ],
  'the parent disconnects': [
    script('process.on("disconnect", () => process.exit(5))', { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] }),
    (child) => child.disconnect(),
  ],
  'the environment': [
    script('console.log(process.env.MINE, process.env.NODE_OPTIONS, process.env.SUBREAPER_SAVED_MINE)', {
      env: { MINE: '1', NODE_OPTIONS: '--no-deprecation' },
    }),
  ],
  'its names': [
    script(`console.log(Object.keys(process.env).sort().join())`, { env: { one: '1', ONE: '2', Path: '' } }),
  ],
  'the directory': [script('console.log(process.cwd())', { cwd: tmpdir() })],
  argv0: [script('console.log(process.argv0)', { argv0: 'another' })],
  'a shell': [['echo %CD% && exit 6', { shell: true, cwd: tmpdir() }]],
  'a shell with arguments': [['echo', ['"a b"', 'c'], { shell: true }]],
  detached: [script('process.exit(7)', { detached: true })],
  hidden: [script('process.exit(7)', { windowsHide: true })],
  'verbatim arguments': [[node, ['-p', '"process.argv0.length"'], { windowsVerbatimArguments: true }]],
  'kill()': [script(stays), (child) => child.once('spawn', () => child.kill())],
  'kill("SIGKILL")': [script(stays), (child) => child.once('spawn', () => child.kill('SIGKILL'))],
  'kill(0)': [
    script('process.stdin.once("data", () => process.exit(8)); process.stdin.read()'),
    (child) => {
      assert.equal(child.kill(0), true);
      child.stdin.end('x');
    },
  ],
  'an AbortSignal': [() => script(stays, { signal: AbortSignal.timeout(200) })],
  'a timeout': [script(stays, { timeout: 200 })],
  'a timeout with SIGKILL': [script(stays, { timeout: 200, killSignal: 'SIGKILL' })],
  'no such command': [['no-such-command', ['a']]],
  'no such file': [['C:\\no\\such.exe', ['a']]],
  'no such directory': [script('', { cwd: 'C:\\no\\such' })],
  'a command from PATH': [['cmd', ['/d', '/c', 'exit 9']]],
  'a command from its own PATH': [
    ['cmd.exe', ['/d', '/c', 'exit 9'], { env: { Path: 'C:\\windows\\system32' } }],
  ],
  'a command that its own PATH lacks': [['node.exe', [], { env: { PATH: 'C:\\windows' } }]],
};

for (const [name, [line, then = () => {}]] of Object.entries(cases)) {
  test(name, async () => {
    const run = (start) => {
      const child = start(...(typeof line === 'function' ? line() : line));
      const told = story(child);
      then(child);
      return told;
    };
    assert.deepEqual(await run(spawnBound), await run(spawn));
  });
}

test('a batch file is refused, as spawn refuses it', () => {
  for (const file of ['npm.cmd', 'x.bat']) {
    const errorOf = (start) => {
      try {
        start(file);
        return 'none';
      } catch (error) {
        return plain(error);
      }
    };
    assert.deepEqual(errorOf(spawnBound), errorOf(spawn));
  }
});

test('a file that is no program: one line, and 126', async () => {
  const child = spawnBound(import.meta.filename);
  const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  assert.equal(code, 126);
  assert.match(stderr, /^subreaper: cannot start the command, [^\n]+\n$/);
});

test('a block waits for the end', async () => {
  const child = spawnBound(node, ['-e', stays], { stdio: 'ignore' });
  await child[Symbol.asyncDispose]();
  assert.equal(child.signalCode, 'SIGTERM');
});
