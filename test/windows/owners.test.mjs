import assert from 'node:assert/strict';
import { fork, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { app, node, sizeOf, watchTrees } from './tree.mjs';

const trees = watchTrees();
after(trees.forget);
const GENERATIONS = 3;
let number = 0;

/** What it throws is not for the reader of the tests. */
const silent = { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] };

async function startOwner(options = {}) {
  const name = `tree${++number}-`;
  const owner = fork(app('owner.cjs'), [JSON.stringify(options), ...trees.tree(name, GENERATIONS)], silent);
  const [{ pid }] = await once(owner, 'message');
  await trees.running(name, sizeOf(GENERATIONS));
  return { owner, holder: pid, name };
}

for (const detached of [false, true]) {
  const kind = detached ? 'detached' : 'attached';
  for (const what of ['exit', 'throw']) {
    test(`an owner that ends by ${what}: nothing of its ${kind} tree is left`, async () => {
      const { owner, name } = await startOwner({ detached });
      owner.send(what);
      await once(owner, 'exit');
      assert.equal(await trees.ended(name), sizeOf(GENERATIONS));
    });
  }

  test(`an owner that is terminated: nothing of its ${kind} tree is left`, async () => {
    const { owner, name } = await startOwner({ detached });
    owner.kill('SIGKILL');
    await once(owner, 'exit');
    assert.equal(await trees.ended(name), sizeOf(GENERATIONS));
  });
}

test('what holds the tree is terminated: nothing is left, and the owner sees that', async () => {
  const { owner, holder, name } = await startOwner();
  const told = once(owner, 'message');
  process.kill(holder, 'SIGKILL');
  assert.equal(await trees.ended(name), sizeOf(GENERATIONS));
  assert.deepEqual(await told, [{ code: 1, signal: null }, undefined]);
  owner.kill();
});

test('kill() ends the whole tree', async () => {
  const { owner, name } = await startOwner();
  const told = once(owner, 'message');
  owner.send('kill');
  assert.equal(await trees.ended(name), sizeOf(GENERATIONS));
  assert.deepEqual(await told, [{ code: null, signal: 'SIGTERM' }, undefined]);
  owner.kill();
});

test('the command ends: what it has started ends too, and its exit code is the tree’s', async () => {
  const { owner, name } = await startOwner();
  const told = once(owner, 'message');
  process.kill(trees.pidOf(name), 'SIGKILL');
  assert.equal(await trees.ended(name), sizeOf(GENERATIONS));
  assert.deepEqual(await told, [{ code: 1, signal: null }, undefined]);
  owner.kill();
});

test('the command line: an owner that is terminated', async () => {
  const name = `tree${++number}-`;
  const owner = spawn(node, [app('command-line-owner.cjs'), ...trees.tree(name, GENERATIONS)], {
    stdio: 'ignore',
  });
  await trees.running(name, sizeOf(GENERATIONS));
  owner.kill('SIGKILL');
  assert.equal(await trees.ended(name), sizeOf(GENERATIONS));
});

const launcher = join(dirname(fileURLToPath(import.meta.resolve('subreaper/package.json'))), 'bin/subreaper');
const runLauncher = (args, env) =>
  spawnSync(node, [launcher, ...args], { encoding: 'utf8', env: { ...process.env, ...env } });

test('the command line: of an owner that has ended before, nothing is started', () => {
  const args = ['--until-owner', '--', node, '-e', 'console.log("ran")'];
  const { status, stdout, stderr } = runLauncher(args, { SUBREAPER_PARENT: '4194300' });
  assert.deepEqual([status, stdout], [125, '']);
  assert.match(stderr, /^subreaper: cannot start, the owner has ended; [^\n]+\n$/);
});

for (const options of [[], ['--until-owner']]) {
  for (const [what, args, status] of [
    ['an exit code', [node, '-e', 'process.exit(3)'], 3],
    ['a crash', [node, '-e', 'process.exit(0xC0000005)'], 0xc0000005],
    ['no such command', ['no-such-command'], 127],
  ]) {
    test(`the command line ${options}: ${what}`, () => {
      assert.equal(runLauncher([...options, '--', ...args]).status, status);
    });
  }
}

test('owners that are terminated at a random moment of their start', async () => {
  const rounds = process.env.ALL === '1' ? 100 : 12;
  const started = performance.now();
  const { owner, name } = await startOwner();
  const startMs = performance.now() - started;
  owner.kill('SIGKILL');
  await trees.ended(name);
  let seen = 0;
  for (let round = 0; round < rounds; round++) {
    const name = `random${round}-`;
    const options = JSON.stringify({ detached: round % 2 === 1 });
    const owner = fork(app('owner.cjs'), [options, ...trees.tree(name, GENERATIONS)], silent);
    await new Promise((wake) => setTimeout(wake, Math.random() * 1.2 * startMs));
    owner.kill('SIGKILL');
    await once(owner, 'exit');
    seen += await trees.ended(name);
  }
  // Also those that have said their name since. In wine, the rest is seen from outside when this file has ended.
  await trees.ended('random');
  console.log(`${rounds} owners within ${Math.round(1.2 * startMs)} ms of their start: ${seen} processes`);
});
