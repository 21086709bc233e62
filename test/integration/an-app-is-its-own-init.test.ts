import { expect, test } from 'vitest';
import type { Signal } from '../../src/native/types.ts';
import { signalName } from '../../src/signals/signal-names.ts';
import { actor } from '../helpers/environment.ts';
import { describeModes, describeWith } from '../helpers/modes.ts';
import { needs } from '../helpers/needs.ts';
import { codeCommand, runCode, startApp, startCode, waysToRegister } from '../helpers/own-init.ts';
import { processStat, until, zombiesOf } from '../helpers/proc.ts';
import { startProcess } from '../helpers/run-init.ts';
import { isWhole } from '../helpers/whole.ts';

/** Shared by the inline apps. They wait for a count of reaped orphans; if it never comes, the time limit fails the test. */
const prelude = `
  import { spawn, execSync } from 'node:child_process';
  import { once } from 'node:events';
  import { readFileSync } from 'node:fs';
  import { descendants, register } from 'subreaper';
  const until = async (holds) => { while (!holds()) await new Promise((wake) => setTimeout(wake, 5)); };
  const reaped = (registration, count) => until(() => registration.reaped >= count);
  /** Busy on purpose: nothing of the event loop runs meanwhile. */
  const waitForZombie = (pid) => { while (!/\\) Z/.test(readFileSync('/proc/' + pid + '/stat', 'utf8'))); };
  /** Starts an orphan, which works once its parent is gone: some shells wait for children that end before them. */
  const orphanPid = (script) =>
    Number(execSync('(while kill -0 $$; do :; done; ' + script + ') >/dev/null 2>&1 & echo $!', { shell: 'sh' }));
`;

const nodeMajor = Number.parseInt(process.versions.node, 10);

const done = (stdout: string) => ({ code: 0, signal: null, stdout, stderr: '' });

describeModes([], 'an app that is its own init', (mode) => {
  test.each(waysToRegister)(
    'gets the exit status of each child, whatever started it, and leaves no orphan a zombie, with %s',
    async (...flags) => {
      const rounds = isWhole ? 20 : 4;
      const app = await startApp('own-children.mjs', { mode, flags, args: [`${rounds}`] });
      const result = JSON.parse(await app.nextLine());
      const orphans = rounds * 7 + 2 * rounds;
      const checked = rounds * 10 + 2 * rounds + 3;
      expect(result).toEqual({ checked, wrong: [], orphans, reaped: orphans });
      expect(zombiesOf(app.pid)).toEqual([]);
    },
  );

  test('reaps an orphan within one turn of the event loop, also behind a child of its own', async () => {
    const result = await runCode(
      `${prelude}
      const registration = register();
      const own = spawn('true');
      waitForZombie(own.pid);
      const orphan = orphanPid('exit 3');
      waitForZombie(orphan);
      // The loop reads signals in its poll phase, and reaps orphans in the check phase after it: one turn. The orphan
      // takes one more turn, because libuv's own child comes first.
      for (let phase = 0; phase < 3; phase++) await new Promise((turn) => setImmediate(turn));
      console.log(registration.reaped);`,
      { mode },
    );
    expect(result).toEqual(done('1\n'));
  });

  test('keeps the exit status of children that were there before', async () => {
    const result = await runCode(
      `${prelude}
      const children = [3, 4, 5].map((code) => spawn('sh', ['-c', 'sleep 0.2; exit ' + code]));
      const exits = children.map((child) => once(child, 'exit'));
      if (mode === 'pid1') orphanPid('exit 1');
      const registration = register();
      // They are zombies before libuv waits for them, and before registering checks for orphans.
      for (const { pid } of children) waitForZombie(pid);
      console.log(JSON.stringify(await Promise.all(exits)));
      orphanPid('exit 2');
      await reaped(registration, mode === 'pid1' ? 2 : 1);
      console.log(registration.reaped);`.replaceAll(/\bmode\b/g, `'${mode}'`),
      { mode, flags: [] },
    );
    expect(result).toEqual(done(`[[3,null],[4,null],[5,null]]\n${mode === 'pid1' ? 2 : 1}\n`));
  });

  const unusual = [
    {
      what: 'a child whose pid the app overwrites',
      start: `spawn('sh', ['-c', 'exit 7'])`,
      code: `child.pid = 1;`,
    },
    { what: 'a child of process.binding', start: `spawnBound('exit 7')`, code: '' },
  ];
  // From node 24 on, only node's own code can spawn through process.binding.
  const possible = nodeMajor < 24 ? unusual : unusual.slice(0, 1);
  test.each(possible)('keeps the exit status of $what', async ({ start, code }) => {
    const result = await runCode(
      `${prelude}
      import { EventEmitter } from 'node:events';
      function spawnBound(script) {
        const handle = new (process.binding('process_wrap').Process)();
        const child = new EventEmitter();
        handle.onexit = (code, signal) => child.emit('exit', code, signal || null);
        const stdio = Array.from({ length: 3 }, () => ({ type: 'ignore' }));
        const failed = handle.spawn({ file: 'sh', args: ['sh', '-c', script], stdio });
        if (failed) throw new Error(String(failed));
        return Object.assign(child, { pid: handle.pid });
      }
      const registration = register();
      const child = ${start};
      const exit = once(child, 'exit');
      const { pid } = child;
      ${code}
      waitForZombie(pid);
      // This checks for orphans at once, before libuv has waited for the child.
      register().unregister();
      console.log(registration.orphans().length, JSON.stringify(await exit), registration.reaped);`,
      { mode, flags: ['--no-deprecation', '--import', 'subreaper/register'] },
    );
    expect(result).toEqual(done('0 [7,null] 0\n'));
  });

  test('orphans() keeps no memory', async () => {
    const result = await runCode(
      `${prelude}
      const own = spawn('sleep', ['60']);
      const registration = register();
      const residentAfter = (calls) => {
        for (let call = 0; call < calls; call++) registration.orphans();
        gc();
        return process.memoryUsage.rss();
      };
      const before = residentAfter(5_000);
      const grown = residentAfter(20_000) - before;
      console.log(grown < 50e6 ? 'as before' : grown);
      own.kill();`,
      { mode, flags: ['--expose-gc'] },
    );
    expect(result).toEqual(done('as before\n'));
  });

  test('reaps what ended before it was registered, also behind a child of its own', async () => {
    const result = await runCode(
      `${prelude}
      const own = spawn('sh', ['-c', 'exit 7']);
      const exit = once(own, 'exit');
      waitForZombie(own.pid);
      let first;
      if (mode === 'pid1') waitForZombie(orphanPid('exit 1'));
      else {
        first = register({ owns: () => true });
        waitForZombie(orphanPid('exit 1'));
        first.unregister();
      }
      const registration = register();
      console.log(JSON.stringify(await exit));
      await reaped(registration, 1);
      console.log(registration.reaped);`.replaceAll(/\bmode\b/g, `'${mode}'`),
      { mode, flags: [] },
    );
    expect(result).toEqual(done('[7,null]\n1\n'));
  });

  test('reaps children that are no child process of node’s: what a shell had started before it became node', async () => {
    const line = codeCommand(
      `${prelude}
      const registration = register();
      await reaped(registration, 2);
      console.log(registration.reaped);`,
      // The app registers from code: orphans that were reaped before do not count.
      { mode, flags: [] },
    );
    const node = line.indexOf('node');
    const shell = ['sh', '-c', 'true & sleep 0.2 & exec "$@"', 'sh'];
    const app = startProcess([...line.slice(0, node), ...shell, ...line.slice(node)]);
    expect(await app.nextLine()).toBe('2');
  });

  test('reaps what a worker thread leaves behind, and nothing of what it waits for', async () => {
    const result = await runCode(
      `${prelude}
      import { Worker } from 'node:worker_threads';
      const registration = register();
      const leaveBehind = async (source) => {
        const worker = new Worker(\`
          const { spawn } = require('node:child_process');
          const { readFileSync } = require('node:fs');
          const { parentPort } = require('node:worker_threads');
          \${source}
          for (;;);\`, { eval: true, execArgv: [] });
        const [pid] = await once(worker, 'message');
        await worker.terminate();
        return pid;
      };
      // The end of the thread hands a zombie to the main thread, without a signal.
      await leaveBehind(\`
        const { pid } = spawn('true');
        while (!/\\\\) Z/.test(readFileSync('/proc/' + pid + '/stat', 'utf8')));
        parentPort.postMessage(pid);\`);
      await reaped(registration, 1);
      const running = await leaveBehind("parentPort.postMessage(spawn('sleep', ['60']).pid);");
      // The kernel hands it over a moment after the end of the thread.
      await until(() => registration.orphans().map(({ pid }) => pid).join() === String(running));
      process.kill(running, 'SIGKILL');
      await reaped(registration, 2);
      console.log(registration.reaped);`,
      { mode },
    );
    expect(result).toEqual(done('2\n'));
  });

  test('leaves alone what a native addon waits for', needs('node-pty'), async () => {
    const result = await runCode(
      `${prelude}
      import pty from '@lydell/node-pty';
      const terminals = new Map();
      const registration = register({ owns: (pid) => terminals.has(pid) });
      const codes = [];
      for (let code = 0; code < 20; code++) {
        const terminal = pty.spawn('sh', ['-c', '(sleep 0.01 &); exit ' + code], {});
        terminals.set(terminal.pid, terminal);
        codes.push(new Promise((done) => terminal.onExit(({ exitCode }) => done(exitCode))));
      }
      console.log((await Promise.all(codes)).join());
      await reaped(registration, 20);
      console.log(registration.reaped);`,
      { mode },
    );
    expect(result).toEqual(done(`${[...Array(20).keys()].join()}\n20\n`));
  });

  test('reaps behind a zombie that an addon is slow to wait for', async () => {
    const app = await startCode(
      `${prelude}
      const held = orphanPid('exit 1');
      const registration = register({ owns: (pid) => pid === held });
      waitForZombie(held);
      const startTen = () =>
        execSync('for n in 0 1 2 3 4 5 6 7 8 9; do (while kill -0 $$; do :; done; exit 1) >/dev/null 2>&1 & done', { shell: 'sh' });
      for (let all = 100; all <= 300; all += 100) {
        for (let tens = 0; tens < 10; tens++) startTen();
        await reaped(registration, all);
      }
      console.log(registration.reaped);
      process.stdin.resume();`,
      { mode },
    );
    expect(await app.nextLine()).toBe('300');
    expect(zombiesOf(app.pid)).toEqual([expect.objectContaining({ name: 'sh' })]);
  });

  test('tells what each orphan was, how it ended and what it used', async () => {
    const result = await runCode(
      `${prelude}
      const orphans = [];
      const registration = register({ onReap: (orphan) => orphans.push(orphan) });
      const pids = [
        orphanPid('exec sleep 0.3'),
        orphanPid('exec sh -c "kill -9 \\\\$\\\\$"'),
        orphanPid('exec sh -c "kill -37 \\\\$\\\\$"'),
        orphanPid('i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; exit 6'),
        orphanPid('exec dd if=/dev/zero of=/dev/null bs=30M count=1'),
      ];
      await reaped(registration, pids.length);
      console.log(JSON.stringify(pids.map((pid) => orphans.find((orphan) => orphan.pid === pid))));`,
      { mode },
    );
    const [slept, killed, realTime, busy, big] = JSON.parse(result.stdout);
    expect(slept).toEqual({
      pid: expect.any(Number),
      name: 'sleep',
      code: 0,
      signal: null,
      userCpuMs: expect.any(Number),
      systemCpuMs: expect.any(Number),
      maxRssKib: expect.any(Number),
      lifetimeMs: expect.any(Number),
    });
    expect(slept.lifetimeMs).toBeGreaterThanOrEqual(290);
    expect(slept.userCpuMs + slept.systemCpuMs).toBeLessThan(slept.lifetimeMs);
    expect(killed).toMatchObject({ name: 'sh', code: null, signal: 'SIGKILL' });
    expect(realTime).toMatchObject({ name: 'sh', code: null, signal: signalName(37 as Signal) });
    expect(busy).toMatchObject({ name: 'sh', code: 6, signal: null });
    expect(busy.userCpuMs).toBeGreaterThan(10);
    expect(busy.userCpuMs + busy.systemCpuMs).toBeLessThanOrEqual(busy.lifetimeMs + 20);
    expect(big).toMatchObject({ name: 'dd', code: 0 });
    expect(big.maxRssKib).toBeGreaterThan(29_000);
    expect(slept.maxRssKib).toBeLessThan(big.maxRssKib);
  });

  test('goes on reaping when a listener throws', async () => {
    const result = await runCode(
      `${prelude}
      let thrown = 0;
      let heard = 0;
      process.on('uncaughtException', () => thrown++);
      const registration = register({ onReap() { throw new Error('mine') } });
      register({ onReap: () => heard++ });
      for (let count = 0; count < 20; count++) orphanPid('exit 1');
      await reaped(registration, 20);
      await until(() => heard === 20);
      console.log(thrown, heard);`,
      { mode },
    );
    expect(result).toEqual(done('20 20\n'));
  });

  test('lists the orphans that run', async () => {
    const result = await runCode(
      `${prelude}
      const registration = register();
      const own = spawn('sleep', ['60']);
      const orphan = orphanPid('exec sleep 61');
      orphanPid('exit 1');
      await reaped(registration, 1);
      console.log(registration.orphans().map(({ pid }) => pid === orphan).join());
      process.kill(orphan, 'SIGKILL');
      await reaped(registration, 2);
      console.log(registration.orphans().length);
      own.kill();`,
      { mode },
    );
    expect(result).toEqual(done('true\n0\n'));
  });
});

describeModes(['actor'], 'an orphan that asks to be traced, as a check for a debugger does', (mode) => {
  const traced = `${prelude}
    const orphans = [];
    const registration = register({ onReap: ({ code }) => orphans.push(code) });
    const field = (pid, name) => new RegExp('^' + name + ':\\\\s*(\\\\S+)', 'm').exec(readFileSync('/proc/' + pid + '/status', 'utf8'))?.[1];
    const isTraced = (pid) => field(pid, 'TracerPid') === String(process.pid);`;

  test('gets its signals, and is reaped once: at its end', async () => {
    const result = await runCode(
      `${traced}
      const executing = orphanPid('exec ${actor} traceme sh -c "exit 5"');
      await reaped(registration, 1);
      const waiting = orphanPid('exec ${actor} traceme');
      await until(() => isTraced(waiting));
      console.log(registration.orphans().map(({ pid }) => pid === waiting).join());
      process.kill(waiting, 'SIGTERM');
      await reaped(registration, 2);
      await until(() => orphans.length === 2);
      console.log(registration.reaped, orphans.join());`,
      { mode },
    );
    expect(result).toEqual(done('true\n2 5,7\n'));
  });

  test('hides no other from the app, which reaps in the same turn', async () => {
    const result = await runCode(
      `${traced}
      const waiting = orphanPid('exec ${actor} traceme');
      await until(() => isTraced(waiting));
      const others = [1, 2, 3].map(() => orphanPid('exit 1'));
      process.kill(waiting, 'SIGSTOP');
      while (field(waiting, 'State') !== 't');
      others.forEach(waitForZombie);
      // It reaps at once.
      register().unregister();
      // Stopped by a signal, as any other process: no longer by the trace.
      console.log(registration.reaped);
      await until(() => field(waiting, 'State') === 'T');
      console.log(isTraced(waiting));
      process.kill(waiting, 'SIGCONT');
      process.kill(waiting, 'SIGTERM');
      await reaped(registration, 4);
      await until(() => orphans.length === 4);
      console.log(orphans.join());`,
      { mode },
    );
    expect(result).toEqual(done('3\nfalse\n1,1,1,7\n'));
  });
});

describeWith([], 'orphans that run when the app ends', () => {
  const endings = [
    { how: 'it has nothing left to do', code: 'own.unref();', exit: { code: 0, signal: null } },
    { how: 'process.exit', code: 'process.exit(3);', exit: { code: 3, signal: null } },
    { how: 'an uncaught exception', code: 'throw new Error("mine");', exit: { code: 1, signal: null } },
    {
      how: 'a signal',
      code: 'process.kill(process.pid, "SIGTERM"); setInterval(() => {}, 1000);',
      exit: { code: null, signal: 'SIGTERM' },
    },
  ];

  test.each(endings)('are killed with all below them, and no own child: $how', async ({ code, exit }) => {
    const app = await startCode(
      `${prelude}
      register({ killOrphansOnExit: true });
      const own = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
      const orphan = orphanPid('setsid sh -c "trap \\'\\' TERM; sleep 62 & sleep 63; exit"');
      await until(() => descendants(orphan).filter(({ name }) => name === 'sleep').length === 2);
      console.log(JSON.stringify({ own: own.pid, orphan }));
      ${code}`,
      { flags: [] },
    );
    const { own, orphan } = JSON.parse(await app.nextLine());
    const ownProcess = processStat(own);
    try {
      expect(await app.exit).toEqual(exit);
      const isGone = (pid: number) => [undefined, 'Z'].includes(processStat(pid)?.state);
      await until(() => isGone(orphan), 'the orphan has ended');
      expect(ownProcess).toMatchObject({ name: 'sleep' });
      expect(processStat(own)).toMatchObject({ name: 'sleep', state: 'S' });
    } finally {
      process.kill(own, 'SIGKILL');
    }
  });

  test('run on without killOrphansOnExit', async () => {
    const app = await startCode(
      `${prelude}
      register();
      console.log(orphanPid('exec sleep 64'));`,
    );
    const orphan = Number(await app.nextLine());
    try {
      expect(await app.exit).toEqual({ code: 0, signal: null });
      expect(processStat(orphan)).toMatchObject({ name: 'sleep' });
    } finally {
      process.kill(orphan, 'SIGKILL');
    }
  });
});
