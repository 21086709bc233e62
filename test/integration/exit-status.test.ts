import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { realTimeRange } from '../../src/signals/signal-names.ts';
import { launcher } from '../helpers/environment.ts';
import { describeModes } from '../helpers/modes.ts';
import { type Mode, runInit, runToEnd, startProcess } from '../helpers/run-init.ts';
import { die } from '../helpers/shell-workloads.ts';
import { isWhole } from '../helpers/whole.ts';

/** Runs a few cases at a time: more would only wait for a processor. */
async function inTurns<Case>(cases: readonly Case[], run: (each: Case) => Promise<void>): Promise<void> {
  const queue = [...cases];
  const worker = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await run(next);
  };
  await Promise.all(Array.from({ length: 4 }, worker));
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

const firstRealTime = realTimeRange().first;

/** Those that a shell or init gives a meaning, and their neighbours. */
const someStatuses = [0, 1, 2, 42, 124, 125, 126, 127, 128, 129, 137, 143, 192, 193, 254, 255];
const someSignals = [1, 2, 6, 9, 11, 15, 31, firstRealTime, 64];

describeModes([], 'the exit status is the workload’s', (mode) => {
  test(`for ${isWhole ? 'every status' : 'some statuses'} from 0 to 255`, async () => {
    const seen: number[] = [];
    const statuses = isWhole ? range(0, 255) : someStatuses;
    await inTurns(statuses, async (code) => {
      // What init says of a status that looks like a signal is not what this is about.
      const exit = await runInit({ mode, options: ['-q'], command: ['sh', '-c', `exit ${code}`] });
      expect(exit, `exit ${code}`).toEqual({ code, signal: null, stdout: '', stderr: '' });
      seen.push(code);
    });
    expect(seen.toSorted((one, other) => one - other)).toEqual(statuses);
  });

  test(`and 128+N for ${isWhole ? 'every signal' : 'some signals'} that can kill`, async () => {
    // CHLD, CONT, URG and WINCH are ignored by default; STOP, TSTP, TTIN and TTOU stop.
    const harmless = new Set([17, 18, 19, 20, 21, 22, 23, 28]);
    const killing = [...range(1, 31), ...range(firstRealTime, 64)].filter((signal) => !harmless.has(signal));
    expect(killing).toHaveLength(23 + 65 - firstRealTime);
    expect(killing).toEqual(expect.arrayContaining(someSignals));
    await inTurns(isWhole ? killing : someSignals, async (signal) => {
      const exit = await runInit({ mode, options: ['-q'], command: die(signal) });
      expect(exit, `signal ${signal}`).toEqual({ code: 128 + signal, signal: null, stdout: '', stderr: '' });
    });
  });

  test.each([
    { options: ['-e', '143'], command: ['sh', '-c', 'kill -TERM $$'], code: 0 },
    { options: ['-q', '-e143:7'], command: ['sh', '-c', 'kill -TERM $$'], code: 7 },
    { options: ['-e', '3:4', '--remap-exit=4:5'], command: ['sh', '-c', 'exit 3'], code: 4 },
    { options: ['-e', '3:4'], command: ['sh', '-c', 'exit 2'], code: 2 },
    { options: ['-e', '0:9'], command: ['true'], code: 9 },
  ])('remapped: $options', async ({ options, command, code }) => {
    expect(await runInit({ mode, options, command })).toMatchObject({ code, stderr: '' });
  });
});

describe('a command that cannot be run', () => {
  let folder: string;
  const script = (name: string, text: string, mode: number) => {
    writeFileSync(join(folder, name), text);
    chmodSync(join(folder, name), mode);
  };
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'subreaper-'));
    script('no-shebang', 'echo "ran $1"; exit 5\n', 0o755);
    script('not-executable', '#!/bin/sh\n', 0o644);
    script('server.js', 'console.log("ran")\n', 0o644);
    script('no-interpreter', '#!/no/such/interpreter\n', 0o755);
    script('empty', '', 0o755);
    script('with space', '#!/bin/sh\necho "space $1"\n', 0o755);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const env = () => ({ ...process.env, PATH: `${folder}:${process.env['PATH']}` });
  const run = (command: string[], mode: Mode = 'subreaper') =>
    runInit({ mode, command, spawn: { env: env(), cwd: folder } });

  test.each([
    { command: 'no-such-command', code: 127, says: 'no directory in PATH has it' },
    { command: './no-such-file', code: 127, says: 'no such file' },
    { command: '/etc/passwd/x', code: 127, says: 'no such file' },
    { command: '', code: 127, says: 'the command is an empty string, ' },
    { command: './not-executable', code: 126, says: 'chmod +x' },
    { command: 'not-executable', code: 126, says: 'chmod +x' },
    { command: './server.js', code: 126, says: 'not executable; run it with node: node ./server.js\n' },
    {
      command: 'server.mjs',
      code: 127,
      says: 'no directory in PATH has it; run it with node: node server.mjs\n',
    },
    { command: './no/server.js', code: 127, says: 'there is no such file' },
    { command: 'node server.js', code: 127, says: "'node …' not found, the quotes make" },
    { command: 'sh -c "exit 3"', code: 127, says: "'sh …' not found, the quotes make" },
    {
      command: 'no-such-command --help',
      code: 127,
      says: "'no-such-command …' not found, the quotes make the command and its arguments one word; quote each argument by itself",
    },
    {
      command: 'A_PORT=80',
      code: 127,
      says: "'A_PORT=…' not found, it looks like a variable assignment; put it before",
    },
    { command: '/etc', code: 126, says: 'directory' },
    { command: './no-interpreter', code: 126, says: 'interpreter' },
    { command: 'no-interpreter', code: 126, says: 'interpreter' },
  ])('$command: $code', async ({ command, code, says }) => {
    const exit = await run([command]);
    expect(exit).toMatchObject({ code, signal: null, stdout: '' });
    expect(exit.stderr).toMatch(/^subreaper: [^\n]+\n$/);
    expect(exit.stderr).toContain(says);
    expect(exit.stderr).not.toContain('exit 3');
  });

  test.each([
    { args: ['docter'], todo: 'did you mean subreaper doctor?' },
    { args: ['docter', '--json'], todo: 'install it or give its path' },
    { args: ['--', 'docter'], todo: 'install it or give its path' },
  ])('subreaper $args: $todo', async ({ args, todo }) => {
    const exit = await runToEnd(startProcess([launcher, ...args]));
    const stderr = `subreaper: 'docter' not found, no directory in PATH has it; ${todo}\n`;
    expect(exit).toEqual({ code: 127, signal: null, stdout: '', stderr });
  });

  test.each(['./no-shebang', 'no-shebang'])(
    'a script without a #! line runs in the shell: %s',
    async (command) => {
      expect(await run([command, 'it'])).toEqual({ code: 5, signal: null, stdout: 'ran it\n', stderr: '' });
    },
  );

  test('an empty script ends with 0', async () => {
    expect(await run(['./empty'])).toMatchObject({ code: 0, stderr: '' });
  });

  test('a path with a space, and arguments as they are', async () => {
    expect(await run(['./with space', 'a  b'])).toMatchObject({ code: 0, stdout: 'space a  b\n' });
  });

  test('an executable further down PATH wins over a file that is not', async () => {
    script('sleep', 'not a program', 0o644);
    expect(await run(['sleep', '0'])).toMatchObject({ code: 0, stderr: '' });
  });

  test('PATH of the workload’s environment is searched, or the default without one', async () => {
    expect(
      await runInit({ launch: [process.execPath, 'bin/subreaper'], command: ['true'], spawn: { env: {} } }),
    ).toMatchObject({ code: 0, stderr: '' });
  });
});
