import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { descendants, killTree } from 'subreaper';
import { node, sizeOf, watchTrees } from './tree.mjs';

const trees = watchTrees();
after(trees.forget);
const GENERATIONS = 3;

async function startTree(name) {
  const root = spawn(node, trees.tree(name, GENERATIONS), { stdio: 'ignore' });
  const pids = await trees.running(name, sizeOf(GENERATIONS));
  return { root, pids };
}

test('descendants lists a tree, parents before their children', async () => {
  const { root, pids } = await startTree('listed-');
  const found = descendants(root.pid);
  assert.deepEqual([...found.map(({ pid }) => pid), root.pid].sort(), pids.sort());
  assert.deepEqual(descendants(process.pid).slice(1), found);
  for (const [index, { parent, name, startTime, threads }] of found.entries()) {
    assert.ok(parent === root.pid || found.slice(0, index).some(({ pid }) => pid === parent));
    assert.equal(name, 'node.exe');
    assert.ok(Math.abs(startTime - Date.now()) < 600_000, `${startTime}`);
    assert.ok(threads > 0);
  }
  await killTree(root.pid);
});

test('killTree ends a tree, detached processes too', async () => {
  const { root } = await startTree('killed-');
  const exit = once(root, 'exit');
  await killTree(root.pid);
  assert.deepEqual(descendants(process.pid), []);
  assert.equal(await trees.ended('killed-'), sizeOf(GENERATIONS));
  assert.deepEqual(await exit, [1, null]);
});

test('killTree of a process that starts others without end', async () => {
  const forks = `
    const { spawn } = require('node:child_process');
    const next = () => spawn(process.execPath, ['-e', ''], { stdio: 'ignore' }).on('exit', next);
    for (let count = 0; count < 3; count++) next();`;
  const root = spawn(node, ['-e', forks], { stdio: 'ignore' });
  while (descendants(root.pid).length < 3) await new Promise((wake) => setTimeout(wake, 20));
  await killTree(root.pid);
  assert.deepEqual(descendants(process.pid), []);
});

test('killTree of a process that has ended', async () => {
  const root = spawn(node, ['-e', ''], { stdio: 'ignore' });
  await once(root, 'exit');
  await killTree(root.pid);
});

test('killTree refuses its caller, and nothing ends', async () => {
  const child = spawn(node, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  await assert.rejects(killTree(process.pid), TypeError);
  assert.deepEqual(
    descendants(process.pid).map(({ pid }) => pid),
    [child.pid],
  );
  child.kill();
});
