import { expect, test } from 'vitest';
import { describeModes } from '../helpers/modes.ts';
import { runCode } from '../helpers/own-init.ts';

describeModes([], 'an app that is its own init, with threads', (mode) => {
  test('worker threads with half a megabyte look at trees and end them, beside libuv’s own threads', async () => {
    const inWorker = `
      const { spawn } = require('node:child_process');
      const { parentPort } = require('node:worker_threads');
      const { becomeSubreaper, descendants, killTree } = require('subreaper');
      const { orphanChain } = require('subreaper/testing');
      (async () => {
        becomeSubreaper();
        const shell = spawn('sh', ['-c', 'sleep 1000 & sleep 1000 & echo ready; wait'], { stdio: 'pipe' });
        await new Promise((ready) => shell.stdout.once('data', ready));
        const below = descendants(shell.pid).length;
        await killTree(shell.pid, { graceMs: 0 });
        parentPort.postMessage([below, descendants(shell.pid).length]);
      })();`;
    const code = `
      import { lookup } from 'node:dns/promises';
      import { readFile } from 'node:fs/promises';
      import { Worker } from 'node:worker_threads';
      const start = () => new Worker(${JSON.stringify(inWorker)}, {
        eval: true, execArgv: [], resourceLimits: { stackSizeMb: 0.5 } });
      const seen = (worker) => new Promise((done, fail) => worker.on('message', done).on('error', fail));
      const looks = await Promise.all([
        ...Array.from({ length: 3 }, () => seen(start())),
        ...Array.from({ length: 8 }, () => readFile('/proc/self/stat').then(({ length }) => length > 0)),
        ...Array.from({ length: 8 }, () => lookup('localhost').then(({ family }) => family > 0)),
      ]);
      console.log(JSON.stringify(looks));`;
    const looks = [...Array(3).fill([2, 0]), ...Array(16).fill(true)];
    expect(await runCode(code, { mode })).toEqual({
      ...{ code: 0, signal: null },
      ...{ stdout: `${JSON.stringify(looks)}\n`, stderr: '' },
    });
  });
});
