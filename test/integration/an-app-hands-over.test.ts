import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildFolder } from '../helpers/environment.ts';
import { describeWith } from '../helpers/modes.ts';
import { runCode } from '../helpers/own-init.ts';
import { runInit } from '../helpers/run-init.ts';

const done = (stdout: string) => ({ code: 0, signal: null, stdout, stderr: '' });
const registered = ['--import', 'subreaper/register'];

describeWith(['execve'], 'process.execve', () => {
  test('the next program does not adopt orphans', async () => {
    // When the output ends, the inner shell has ended, and its child has another parent.
    const script = `pid=$(sh -c 'sleep 60 >/dev/null 2>&1 & echo $!')
      parent=$(cut -d ' ' -f 4 /proc/$pid/stat)
      kill -9 $pid
      [ $parent = $$ ] && echo adopted || echo not adopted`;
    const result = await runCode(
      `process.execve('/bin/sh', ['sh', '-c', ${JSON.stringify(script)}], process.env);`,
      {
        flags: ['--no-warnings', ...registered],
      },
    );
    expect(result).toEqual(done('not adopted\n'));
  });

  test('an app that goes on after it failed is its own init again', async () => {
    const { code, stdout } = await runCode(
      `import { execSync } from 'node:child_process';
       import { register } from 'subreaper';
       const registration = register();
       try {
         process.execve('/nonexistent', ['nonexistent'], process.env);
       } catch {
         await new Promise((turn) => setImmediate(turn));
         execSync('(while kill -0 $$; do :; done) >/dev/null 2>&1 &', { shell: 'sh' });
         while (registration.reaped === 0) await new Promise((wake) => setTimeout(wake, 5));
       }
       console.log('goes on');`,
      { flags: ['--no-warnings', ...registered] },
    );
    // Up to node 24, a failure ends the process.
    if (Number.parseInt(process.versions.node, 10) >= 26) expect(stdout).toBe('goes on\n');
    else expect(code).not.toBe(0);
  });
});

describeWith(['start-stop-daemon'], 'an app that stops a daemon it had started', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(buildFolder, 'daemon-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** An app that starts a daemon, stops it, and prints the status of the stop command. */
  const app = (name: string, { start, stop }: { start: string; stop: string }) => `
    import { exec, execSync, spawnSync } from 'node:child_process';
    import { readFileSync } from 'node:fs';
    import { register } from 'subreaper';
    const file = ${JSON.stringify(join(folder, name))};
    const startLine = 'start-stop-daemon --pidfile ' + file + ' --start --background --make-pidfile --exec /bin/sleep -- 60';
    const stopLine = (seconds) => 'start-stop-daemon --quiet --pidfile ' + file + ' --stop --retry TERM/' + seconds;
    const isThere = () => { try { return readFileSync(file, 'utf8') !== ''; } catch { return false; } };
    ${start}
    while (!isThere());
    ${stop}
    console.log(status);`;

  const start = 'execSync(startLine);';
  const stopBlocking = (seconds: number) =>
    `const { status } = spawnSync(stopLine(${seconds}), { shell: 'sh' });`;

  test('cannot as long as it blocks its event loop: the daemon stays a zombie', async () => {
    const result = await runCode(app('blocking', { start, stop: stopBlocking(1) }));
    expect(result).toEqual(done('2\n'));
  });

  test('can where it does not block', async () => {
    const stop = `const status = await new Promise((ended) => exec(stopLine(60)).on('exit', ended));`;
    expect(await runCode(app('exec', { start, stop }))).toEqual(done('0\n'));
  });

  test('can where it is no init while it starts the daemon', async () => {
    const startAlone = `const registration = register(); registration.unregister(); ${start} register();`;
    const code = app('unregister', { start: startAlone, stop: stopBlocking(60) });
    expect(await runCode(code, { flags: [] })).toEqual(done('0\n'));
  });

  test('can beneath the subreaper command', async () => {
    const code = app('beneath', { start, stop: stopBlocking(60) });
    const command = ['node', '--input-type=module', '-e', code];
    expect(await runInit({ command })).toEqual(done('0\n'));
  });
});
