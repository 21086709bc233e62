// What ends with its owner on macOS, and by killTree. It runs on a Mac as it is, and on Linux under the name of macOS: see
// test/integration/a-tree-on-macos.test.ts.
import assert from 'node:assert/strict';
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { after, test } from 'node:test';
import { descendants, killTree } from 'subreaper';
import { app, node, sizeOf, watchTrees } from '../windows/tree.mjs';

const trees = watchTrees();
after(trees.forget);
const GENERATIONS = 3;
const silent = { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] };
let number = 0;

async function startOwner(options = {}) {
  const name = `tree${++number}-`;
  const owner = fork(app('owner.cjs'), [JSON.stringify(options), ...trees.tree(name, GENERATIONS)], silent);
  await once(owner, 'message');
  await trees.running(name, sizeOf(GENERATIONS));
  return { owner, name };
}

for (const [what, end] of [
  ['an exit of its owner', (owner) => owner.send('exit')],
  ['an exception of its owner', (owner) => owner.send('throw')],
  ['SIGTERM for its owner', (owner) => owner.kill('SIGTERM')],
  ['SIGKILL for its owner', (owner) => owner.kill('SIGKILL')],
  ['kill()', (owner) => owner.send('kill')],
]) {
  for (const detached of [false, true]) {
    test(`a tree ends with ${what}, detached: ${detached}`, async () => {
      const { owner, name } = await startOwner({ detached, graceMs: 500 });
      end(owner);
      assert.equal(await trees.ended(name), sizeOf(GENERATIONS));
      owner.kill();
    });
  }
}

test('with SIGKILL for its owner ends a tree that only its environment shows, and that ignores SIGTERM', async () => {
  const name = `tree${++number}-`;
  const [, folder] = trees.tree(name, GENERATIONS);
  const args = [resolve(import.meta.dirname, 'stubborn.cjs'), folder, name];
  const owner = fork(app('owner.cjs'), [JSON.stringify({ graceMs: 200 }), ...args], silent);
  await trees.running(name, 3);
  owner.kill('SIGKILL');
  assert.equal(await trees.ended(name), 3);
});

test('the command line: a tree ends with SIGKILL for its owner', async () => {
  const name = `tree${++number}-`;
  const line = [app('command-line-owner.cjs'), ...trees.tree(name, GENERATIONS)];
  const owner = spawn(node, line, { stdio: 'ignore' });
  await trees.running(name, sizeOf(GENERATIONS));
  owner.kill('SIGKILL');
  assert.equal(await trees.ended(name), sizeOf(GENERATIONS));
});

test('killTree and descendants', async () => {
  const name = `tree${++number}-`;
  const root = spawn(node, trees.tree(name, GENERATIONS), { stdio: 'ignore' });
  const pids = await trees.running(name, sizeOf(GENERATIONS));
  assert.deepEqual([root.pid, ...descendants(root.pid).map(({ pid }) => pid)].sort(), pids.sort());
  const ended = once(root, 'exit');
  await killTree(root.pid, { graceMs: 500 });
  assert.equal(await trees.ended(name), sizeOf(GENERATIONS));
  assert.deepEqual(await ended, [null, 'SIGTERM']);
  assert.deepEqual(descendants(process.pid), []);
});
