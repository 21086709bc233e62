import { constants } from 'node:os';
import { expect, test } from 'vitest';
import { realTimeRange } from '../../src/signals/signal-names.ts';
import { describeWith } from '../helpers/modes.ts';
import { runCode, startCode } from '../helpers/own-init.ts';
import type { RunningInit } from '../helpers/run-init.ts';

/** Keeps the app running without a listener of its own. */
const stay = `setInterval(() => {}, 1e6);`;
const ready = `console.log('ready');`;
/** Blocks the event loop until the test has written a byte. */
const block = `import { readSync } from 'node:fs'; ${ready} readSync(0, Buffer.alloc(1));`;
const listen = `process.on('SIGTERM', () => { console.log('listener'); process.exitCode = 5; clearInterval(timer); });`;

const answer = `process.on('SIGUSR2', () => console.log('still here'));`;

/** The kernel delivers pending signals lowest first: only the second answer comes after the earlier signals. */
async function expectToStay(app: RunningInit): Promise<void> {
  for (let count = 0; count < 2; count++) {
    app.kill('SIGUSR2');
    expect(await app.nextLine()).toBe('still here');
  }
}

describeWith(['namespaces'], 'an app as PID 1 ends by the signals it does not listen to', () => {
  const mode = 'pid1';

  const named = [
    'SIGHUP',
    'SIGINT',
    'SIGQUIT',
    'SIGALRM',
    'SIGTERM',
    'SIGUSR2',
    'SIGSTKFLT',
    'SIGXCPU',
    'SIGVTALRM',
    'SIGIO',
    'SIGPWR',
  ] as const;

  test.each(named)('%s: 128 + its number', async (signal) => {
    const app = await startCode(`${ready} ${stay}`, { mode });
    expect(await app.nextLine()).toBe('ready');
    app.kill(signal);
    expect(await app.exit).toEqual({ code: 128 + constants.signals[signal], signal: null });
    expect(app.stderr()).toBe('');
  });

  test.each([realTimeRange().first, 37, 64])('real-time signal %i likewise', async (signal) => {
    const app = await startCode(`${ready} ${stay}`, { mode });
    expect(await app.nextLine()).toBe('ready');
    app.kill(signal);
    expect(await app.exit).toEqual({ code: 128 + signal, signal: null });
  });

  test.each(['SIGCHLD', 'SIGCONT', 'SIGURG', 'SIGWINCH', 'SIGPIPE'] as const)(
    '%s, which ends no node process, does not end this one',
    async (signal) => {
      const app = await startCode(`${answer} ${ready} ${stay}`, { mode });
      expect(await app.nextLine()).toBe('ready');
      app.kill(signal);
      await expectToStay(app);
      app.kill('SIGTERM');
      expect(await app.exit).toEqual({ code: 143, signal: null });
    },
  );

  test('no listener of its own is to be seen', async () => {
    const result = await runCode(
      `const events = process.eventNames().filter((event) => String(event).startsWith('SIG'));
       console.log(events.length, process.listenerCount('SIGTERM'));`,
      { mode },
    );
    expect(result).toEqual({ code: 0, signal: null, stdout: '0 0\n', stderr: '' });
  });

  test('a listener of the app gets the signal, and the app decides', async () => {
    const app = await startCode(`const timer = ${stay} ${listen} ${ready}`, { mode });
    expect(await app.nextLine()).toBe('ready');
    app.kill('SIGTERM');
    expect(await app.nextLine()).toBe('listener');
    expect(await app.exit).toEqual({ code: 5, signal: null });
  });

  test('the listener of one signal keeps no other', async () => {
    const app = await startCode(`const timer = ${stay} ${listen} ${ready}`, { mode });
    expect(await app.nextLine()).toBe('ready');
    app.kill('SIGINT');
    expect(await app.exit).toEqual({ code: 130, signal: null });
  });

  test('once is once', async () => {
    const app = await startCode(`process.once('SIGTERM', () => console.log('first')); ${ready} ${stay}`, {
      mode,
    });
    expect(await app.nextLine()).toBe('ready');
    app.kill('SIGTERM');
    expect(await app.nextLine()).toBe('first');
    app.kill('SIGTERM');
    expect(await app.exit).toEqual({ code: 143, signal: null });
  });

  test.each([
    ['off', `const f = () => {}; process.on('SIGTERM', f); process.off('SIGTERM', f);`],
    ['removeAllListeners', `process.on('SIGTERM', () => {}); process.removeAllListeners('SIGTERM');`],
    [
      'the last of two',
      `const f = () => {}; process.on('SIGTERM', f); process.on('SIGTERM', f);
      process.off('SIGTERM', f); process.off('SIGTERM', f);`,
    ],
  ])('a listener that was removed does not count: %s', async (_, code) => {
    const app = await startCode(`${code} ${ready} ${stay}`, { mode });
    expect(await app.nextLine()).toBe('ready');
    app.kill('SIGTERM');
    expect(await app.exit).toEqual({ code: 143, signal: null });
  });

  test('a listener that stays counts when another is removed', async () => {
    const app = await startCode(
      `const timer = ${stay} const f = () => {}; process.on('SIGTERM', f); ${listen} process.off('SIGTERM', f); ${ready}`,
      { mode },
    );
    expect(await app.nextLine()).toBe('ready');
    app.kill('SIGTERM');
    expect(await app.nextLine()).toBe('listener');
  });

  test('what counts is who listened when the signal came: nobody', async () => {
    const app = await startCode(`const timer = ${stay} ${block} ${listen}`, { mode });
    expect(await app.nextLine()).toBe('ready');
    app.kill('SIGTERM');
    app.stdin.write('x');
    await expect(app.nextLine()).rejects.toThrow();
    expect(await app.exit).toEqual({ code: 143, signal: null });
  });

  test('what counts is who listened when the signal came: the app', async () => {
    const app = await startCode(`const timer = ${stay} ${listen} ${block}`, { mode });
    expect(await app.nextLine()).toBe('ready');
    app.kill('SIGTERM');
    app.stdin.write('x');
    expect(await app.nextLine()).toBe('listener');
    expect(await app.exit).toEqual({ code: 5, signal: null });
  });

  test('an app that exits before it is delivered ends with its own status', async () => {
    const app = await startCode(`${block} process.exit(3);`, { mode });
    expect(await app.nextLine()).toBe('ready');
    app.kill('SIGTERM');
    app.stdin.write('x');
    expect(await app.exit).toEqual({ code: 3, signal: null });
  });

  const signalExits = {
    3: `import onExit3 from 'signal-exit-3'; onExit3((code, signal) => console.log('3', code, signal));`,
    4: `import { onExit } from 'signal-exit'; onExit((code, signal) => console.log('4', code, signal));`,
  };

  test.each([{ versions: [3] }, { versions: [4] }, { versions: [3, 4] }, { versions: [4, 3] }] as const)(
    'an app that carries signal-exit $versions gets its event and ends',
    async ({ versions }) => {
      const app = await startCode(
        `${versions.map((version) => signalExits[version]).join('')} ${ready} ${stay}`,
        {
          mode,
        },
      );
      expect(await app.nextLine()).toBe('ready');
      app.kill('SIGTERM');
      const events = [];
      for (const _ of versions) events.push(await app.nextLine());
      expect(events.sort()).toEqual(versions.map((version) => `${version} null SIGTERM`).sort());
      expect(await app.exit).toEqual({ code: 143, signal: null });
    },
  );

  test('an app with signal-exit and a listener decides for itself', async () => {
    const app = await startCode(`const timer = ${stay} ${signalExits[4]} ${listen} ${ready}`, { mode });
    expect(await app.nextLine()).toBe('ready');
    app.kill('SIGTERM');
    expect(await app.nextLine()).toBe('listener');
    expect(await app.nextLine()).toBe('4 5 null');
    expect(await app.exit).toEqual({ code: 5, signal: null });
  });

  test('without register the app would stay: the kernel withholds the default action from PID 1', async () => {
    const app = await startCode(`${answer} ${ready} ${stay}`, { mode, flags: [] });
    expect(await app.nextLine()).toBe('ready');
    app.kill('SIGTERM');
    await expectToStay(app);
  });
});

describeWith([], 'an app that is not PID 1', () => {
  test('ends by the signal itself, as ever', async () => {
    const app = await startCode(`${ready} ${stay}`, {});
    expect(await app.nextLine()).toBe('ready');
    app.kill('SIGTERM');
    expect(await app.exit).toEqual({ code: null, signal: 'SIGTERM' });
  });
});
