import { cpSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compile } from '../helpers/compile.mjs';
import { buildFolder } from '../helpers/environment.ts';
import { describeModes, describeWith } from '../helpers/modes.ts';
import { needs } from '../helpers/needs.ts';
import { runCode, startCode, waysToRegister } from '../helpers/own-init.ts';
import { processStat, runningWith, until } from '../helpers/proc.ts';
import { runInit, startProcess } from '../helpers/run-init.ts';
import { isWhole } from '../helpers/whole.ts';

const done = (stdout: string) => ({ code: 0, signal: null, stdout, stderr: '' });
const unregistered: readonly string[] = [];

/** Starts an orphan that ends at once; its parent, a shell, has ended before. Resolves with its pid. */
const makeOrphan = `
  import { execSync } from 'node:child_process';
  const orphanPid = (script) =>
    Number(execSync('(while kill -0 $$; do :; done; ' + script + ') >/dev/null 2>&1 & echo $!', { shell: 'sh' }));
  const until = async (holds) => { while (!holds()) await new Promise((wake) => setTimeout(wake, 5)); };
`;

describeModes([], 'registering changes nothing else', (mode) => {
  const apps = {
    'an app with nothing to do ends': ``,
    'exitCode is kept': `process.exitCode = 4;`,
    'process.exit in an exit listener is kept': `process.on('exit', () => process.exit(6));`,
    'beforeExit comes as often': `let more = 2;
      process.on('beforeExit', () => { console.log('before exit', more); if (more-- > 0) setTimeout(() => {}, 1); });`,
    'exit comes once': `process.on('exit', (code) => console.log('exit', code));`,
    'an uncaught exception ends it': `throw new Error('mine');`,
    'an uncaught exception can be handled': `process.on('uncaughtException', ({ message }) => console.log(message));
      throw new Error('mine');`,
    'an unhandled rejection ends it': `Promise.reject(new Error('mine')); setTimeout(() => {}, 1e6);`,
    'a promise that stays pending ends it': `await new Promise(() => {});`,
    'no resource is to be seen': `console.log(process.getActiveResourcesInfo().join());`,
    'nor a handle': `console.log(process._getActiveHandles().length, process._getActiveRequests().length);`,
    'a child process keeps it alive, unless it is let go': `
      import { spawn } from 'node:child_process';
      spawn('sleep', ['0.1'], { stdio: 'ignore' }).on('exit', () => console.log('ended'));
      spawn('true', { stdio: 'ignore' }).unref();`,
  };

  const nothing = {
    '--import': resolve('test/apps/nothing.mjs'),
    '--require': resolve('test/apps/nothing.cjs'),
  };
  const cases = waysToRegister
    .flatMap(([way, module], wayIndex) =>
      Object.entries(apps).map(([name, code], index) => ({
        name,
        code,
        way,
        module,
        index: index + wayIndex,
      })),
    )
    // Each app as PID 1 in one way, and as a plain subreaper in the other.
    .filter(({ index }) => isWhole || index % 2 === (mode === 'pid1' ? 0 : 1));

  test.each(cases)('$name, with $way', async ({ code, way, module }) => {
    const [bare, registered] = await Promise.all([
      runCode(code, { mode, flags: [way, nothing[way]] }),
      runCode(code, { mode, flags: [way, module] }),
    ]);
    const withoutPid = ({ stderr, ...rest }: typeof bare) => ({
      ...rest,
      stderr: stderr.replace(/node:\d+/, ''),
    });
    expect(withoutPid(registered)).toEqual(withoutPid(bare));
  });
});

describe('registering', () => {
  test('loads neither pino nor signal-exit, nor worker_threads', async () => {
    const result = await runCode(
      `import { createRequire } from 'node:module';
       const files = Object.keys(createRequire(import.meta.url).cache);
       console.log(files.length > 0, files.filter((file) => /pino|signal-exit|koffi/.test(file)).length);
       console.log(process.moduleLoadList.includes('NativeModule worker_threads'));`,
      { flags: ['--require', 'subreaper/register'] },
    );
    expect(result).toEqual(done('true 0\nfalse\n'));
  });

  test('undefined is as good as left out', async () => {
    const result = await runCode(
      `import { register } from 'subreaper'; console.log(register({ onReap: undefined, owns: undefined }).reaped);`,
    );
    expect(result).toEqual(done('0\n'));
  });

  test('a logger gets a debug record for each orphan', async () => {
    const { stdout } = await runCode(
      `${makeOrphan}
       import pino from 'pino';
       import { register } from 'subreaper';
       const registration = register({ logger: pino({ level: 'debug' }) });
       orphanPid('exit 7');
       await until(() => registration.reaped === 1);`,
    );
    expect(JSON.parse(stdout)).toMatchObject({
      level: 20,
      msg: 'orphan reaped',
      event: 'orphan',
      'process.exit.code': 7,
      'process.executable.name': 'sh',
    });
  });
});

describe('registering more than once', () => {
  // A second installation of the package, as when two dependencies need two versions of it.
  let copy: string;
  beforeAll(() => {
    copy = mkdtempSync(join(buildFolder, 'copy-'));
    cpSync('dist', copy, { recursive: true });
  });
  afterAll(() => rmSync(copy, { recursive: true }));

  test('each registration hears of each orphan once, in whatever copy of the package, and for itself', async () => {
    const result = await runCode(
      `${makeOrphan}
       import { register } from 'subreaper';
       import { register as another } from '${join(copy, 'index.mjs')}';
       const heard = { a: 0, b: 0, c: 0 };
       const a = register({ onReap: () => heard.a++ });
       const b = register({ onReap: () => heard.b++ });
       const c = another({ onReap: () => heard.c++ });
       console.log(register === another);
       orphanPid('exit 1');
       await until(() => heard.c === 1);
       b.unregister();
       b.unregister();
       orphanPid('exit 1');
       await until(() => heard.c === 2);
       const late = register();
       a.unregister();
       orphanPid('exit 1');
       await until(() => heard.c === 3);
       console.log(JSON.stringify(heard), a.reaped, b.reaped, c.reaped, late.reaped);`,
      { flags: unregistered },
    );
    expect(result).toEqual(done('false\n{"a":2,"b":1,"c":3} 2 1 3 1\n'));
  });

  test('after the last one orphans go where they went before, and registering again works', async () => {
    const result = await runCode(
      `${makeOrphan}
       import { readFileSync } from 'node:fs';
       import { register } from 'subreaper';
       const parentOf = (pid) => Number(/\\) . (\\d+)/.exec(readFileSync('/proc/' + pid + '/stat', 'utf8'))[1]);
       const adopts = async () => {
         const pid = orphanPid('exec sleep 60');
         const isOwn = parentOf(pid) === process.pid;
         process.kill(pid, 'SIGKILL');
         return isOwn;
       };
       const before = await adopts();
       const [one, two] = [register(), register()];
       const during = await adopts();
       one.unregister();
       const still = await adopts();
       two.unregister();
       const after = await adopts();
       const again = register();
       console.log(before, during, still, after, await adopts());
       await until(() => again.reaped >= 1);`,
      { flags: unregistered },
    );
    expect(result).toEqual(done('false true true false true\n'));
  });

  test('as PID 1 the signals are again as they were', needs('namespaces'), async () => {
    const app = await startCode(
      `import { register } from 'subreaper';
       register().unregister();
       process.on('SIGUSR2', () => console.log('still here'));
       console.log('ready');
       setInterval(() => {}, 1e6);`,
      { mode: 'pid1', flags: unregistered },
    );
    expect(await app.nextLine()).toBe('ready');
    app.kill('SIGTERM');
    // The kernel delivers pending signals lowest first: only the second answer comes after the SIGTERM.
    for (let count = 0; count < 2; count++) {
      app.kill('SIGUSR2');
      expect(await app.nextLine()).toBe('still here');
    }
  });

  test('ten thousand times, and it still reaps', async () => {
    const result = await runCode(
      `${makeOrphan}
       import { register } from 'subreaper';
       for (let count = 0; count < 10_000; count++) register().unregister();
       const registration = register();
       orphanPid('exit 1');
       await until(() => registration.reaped === 1);
       console.log(registration.reaped);`,
      { flags: unregistered },
    );
    expect(result).toEqual(done('1\n'));
  });

  test('what an addon waits for stays its own when the last one ends', async () => {
    const result = await runCode(
      `import { execSync } from 'node:child_process';
       import { readFileSync } from 'node:fs';
       import { register } from 'subreaper';
       const state = (pid) => /\\) (.)/.exec(readFileSync('/proc/' + pid + '/stat', 'utf8'))[1];
       let held;
       const registration = register({ owns: (pid) => pid === held });
       held = Number(execSync('(while kill -0 $$; do :; done) >/dev/null 2>&1 & echo $!', { shell: 'sh' }));
       while (state(held) !== 'Z');
       registration.unregister();
       console.log(state(held), registration.orphans().length);`,
      { flags: unregistered },
    );
    expect(result).toEqual(done('Z 0\n'));
  });
});

describe('what the app does to its own process', () => {
  test('fake timers do not stop the reaping', async () => {
    const result = await runCode(
      `${makeOrphan}
       import { mock } from 'node:test';
       import { register } from 'subreaper';
       const codes = [];
       register({ onReap: ({ code }) => codes.push(code) });
       const { setTimeout } = globalThis;
       const { nextTick } = process;
       mock.timers.enable();
       process.nextTick = () => {};
       orphanPid('exit 1');
       while (codes.length < 1) await new Promise((wake) => setTimeout(wake, 5));
       mock.timers.reset();
       process.nextTick = nextTick;
       orphanPid('exit 2');
       await until(() => codes.length === 2);
       console.log(codes.join());`,
      { flags: ['--no-warnings', ...waysToRegister[0]] },
    );
    expect(result).toEqual(done('1,2\n'));
  });
});

describeModes([], 'listeners of the app', (mode) => {
  // In an ES module, one of the listeners of process is node's own.
  const exitsOfProcess = `
    for (let count = 0; count < 9; count++) process.on('exit', () => {});
    console.log(process.listenerCount('exit'), process.getMaxListeners());`;
  const exitsOfWorker = (limit: string) => `
    import { Worker } from 'node:worker_threads';
    const worker = new Worker('', { eval: true, execArgv: [] });
    ${limit}
    for (let count = 0; count < 9; count++) worker.on('exit', () => {});
    worker.on('exit', () => setImmediate(() => console.log(worker.getMaxListeners())));`;

  test.each([
    ['process', exitsOfProcess],
    ['a worker', exitsOfWorker('')],
    ['a worker without a limit', exitsOfWorker('worker.setMaxListeners(0);')],
  ])('as many as without it bring no warning, on %s', async (_, code) => {
    const [bare, registered] = await Promise.all([
      runCode(code, { mode, flags: [] }),
      runCode(code, { mode }),
    ]);
    expect(bare.stderr).toBe('');
    expect(registered).toEqual(bare);
  });

  test('a worker is as it was once nobody is registered', async () => {
    const result = await runCode(
      `import { Worker } from 'node:worker_threads';
       import { register } from 'subreaper';
       const registration = register();
       const worker = new Worker('', { eval: true, execArgv: [] });
       registration.unregister();
       console.log(worker.listenerCount('exit'), worker.getMaxListeners());`,
      { mode, flags: unregistered },
    );
    expect(result).toEqual(done('0 10\n'));
  });
});

describe('signals that come until the app is gone do it no harm', () => {
  test('it has nothing left to do', () => expectNoHarm(''));
  test('process.exit', () => expectNoHarm('process.exit();'));
  test('an addon takes its time to end', needs('compiler'), () => {
    const addon = join(buildFolder, 'slow-cleanup.node');
    compile('test/helpers/slow-cleanup.c', addon, ['-shared', '-fPIC']);
    return expectNoHarm(`process.dlopen({ exports: {} }, ${JSON.stringify(addon)});`);
  });

  async function expectNoHarm(code: string): Promise<void> {
    const marker = `subreaper-flood-${process.pid}`;
    const result = await runCode(
      `import { spawn } from 'node:child_process';
       import { once } from 'node:events';
       // It ends: node reads its pipe for as long as signals come, and a busy machine may have more of them without end.
       const script =
         'echo; exec >&-; n=0; while [ $n -lt 300000 ] && kill -CHLD $PPID; do n=$((n + 1)); done 2>/dev/null';
       const flood = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'] });
       await once(flood.stdout, 'data');
       flood.unref();
       flood.stdout.destroy();
       ${code}`,
      // glibc overwrites freed memory, so that a handler that reads it fails for sure.
      { spawn: { env: { ...process.env, MARKER: marker, MALLOC_PERTURB_: '165' } } },
    );
    expect(result).toEqual(done(''));
    await until(() => runningWith(marker).length === 0, 'the flood has ended');
  }
});

describe('where addons are forbidden', () => {
  const permission = process.allowedNodeEnvironmentFlags.has('--permission')
    ? '--permission'
    : '--experimental-permission';

  test.each([
    [['--no-addons'], 'start node without --no-addons'],
    [['--no-warnings', permission, '--allow-fs-read=*'], 'start node with --allow-addons'],
  ])('%j: the error says what to do', async (flags, advice) => {
    const result = await runCode(`console.log('app')`, {
      flags: [...flags, '--import', 'subreaper/register'],
    });
    const why = 'Cannot load native addon because loading addons is disabled';
    expect(result).toEqual({
      code: 125,
      signal: null,
      stdout: '',
      stderr: `subreaper: koffi cannot be loaded (${why}); ${advice}\n`,
    });
  });

  test('it works with --allow-addons', async () => {
    const flags = ['--no-warnings', permission, '--allow-fs-read=*', '--allow-addons'];
    const result = await runCode(`console.log('app')`, {
      flags: [...flags, '--import', 'subreaper/register'],
    });
    expect(result).toEqual(done('app\n'));
  });
});

describeModes([], 'processes and threads of the app', (mode) => {
  test('a worker thread leaves it to the main thread', async () => {
    const result = await runCode(
      `import { Worker } from 'node:worker_threads';
       import { once } from 'node:events';
       const worker = new Worker(\`
         const { parentPort } = require('node:worker_threads');
         const { register } = require('subreaper');
         const registration = register({ onReap: () => {} });
         parentPort.postMessage([registration.reaped, registration.orphans().length, registration.unregister()]);
       \`, { eval: true, execArgv: ['--import', 'subreaper/register'] });
       const [message] = await Promise.all([once(worker, 'message'), once(worker, 'exit')]);
       console.log(JSON.stringify(message));`,
      { mode },
    );
    expect(result).toEqual(done('[[0,0,null]]\n'));
  });

  test.each([
    ['a forked child that inherits --import', `fork(child)`],
    ['a cluster worker', `(cluster.setupPrimary({ exec: child }), cluster.fork().process)`],
  ])('%s is the init of what it starts', async (_, fork) => {
    const folder = mkdtempSync(join(buildFolder, 'fork-'));
    const [primary, child] = [join(folder, 'primary.mjs'), join(folder, 'child.mjs')];
    writeFileSync(
      primary,
      `import { fork } from 'node:child_process';
       import cluster from 'node:cluster';
       import { once } from 'node:events';
       import { register } from 'subreaper';
       const registration = register();
       const child = ${JSON.stringify(child)};
       const started = ${fork};
       const [[message], exit] = await Promise.all([once(started, 'message'), once(started, 'exit')]);
       console.log(JSON.stringify([message.isOwn, exit, registration.reaped]));`,
    );
    writeFileSync(
      child,
      `${makeOrphan}
       import { readFileSync } from 'node:fs';
       import { register } from 'subreaper';
       const registration = register();
       const pid = orphanPid('exec sleep 60');
       const parent = Number(/\\) . (\\d+)/.exec(readFileSync('/proc/' + pid + '/stat', 'utf8'))[1]);
       process.kill(pid, 'SIGKILL');
       await until(() => registration.reaped === 1);
       process.send({ isOwn: parent === process.pid }, () => process.exit(9));`,
    );
    try {
      const launch = ['node', '--import', 'subreaper/register'];
      expect(await runInit({ mode, launch, command: [primary] })).toEqual(done('[true,[9,null],0]\n'));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('node --watch', () => {
  test('starts the app again, as its own init', async () => {
    const folder = mkdtempSync(join(buildFolder, 'watch-'));
    const file = join(folder, 'app.mjs');
    writeFileSync(
      file,
      `import { register } from 'subreaper';
       console.log('app', process.pid, Symbol.for('subreaper.in-process-reaper.1') in globalThis);
       setInterval(() => {}, 1e6);`,
    );
    try {
      const watch = startProcess(['node', '--watch', '--import', 'subreaper/register', file]);
      const appLine = async () => {
        for (;;) {
          const [, pid, isRegistered] = /^app (\d+) (\w+)$/.exec(await watch.nextLine()) ?? [];
          if (pid !== undefined) return { pid: Number(pid), isRegistered };
        }
      };
      const first = await appLine();
      expect(first.isRegistered).toBe('true');
      expect(processStat(first.pid)?.parent).toBe(watch.pid);
      // No event says when node begins to watch the file.
      const touch = setInterval(() => utimesSync(file, new Date(), new Date()), 200);
      const second = await appLine().finally(() => clearInterval(touch));
      expect(second).toEqual({ pid: expect.any(Number), isRegistered: 'true' });
      expect(second.pid).not.toBe(first.pid);
      await until(() => processStat(first.pid) === undefined, 'the first app has ended');
      watch.kill('SIGTERM');
      await watch.exit;
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describeWith(['strace'], 'where prctl is forbidden', () => {
  test('one warning, and the app runs', async () => {
    const app = startProcess([
      ...['strace', '-f', '-qq', '-e', 'trace=prctl', '-e', 'inject=prctl:error=EPERM', '-o', '/dev/null'],
      ...['node', '--import', 'subreaper/register', '-e', 'console.log("app")'],
    ]);
    expect(await app.nextLine()).toBe('app');
    expect(await app.exit).toEqual({ code: 0, signal: null });
    expect(app.stderr()).toMatch(
      /Warning: subreaper: this process cannot become a subreaper \(prctl failed: EPERM\)/,
    );
  });
});
