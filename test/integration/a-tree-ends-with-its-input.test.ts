import { execFileSync } from 'node:child_process';
import { mkdtempSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { actor, buildFolder, launcher } from '../helpers/environment.ts';
import { describeWith } from '../helpers/modes.ts';
import { childrenOf, hasEnded, procFile, statusField, until } from '../helpers/proc.ts';
import { startProcess } from '../helpers/run-init.ts';
import { initOnTerminal } from '../helpers/terminal.ts';

const O_NONBLOCK = 0o4000;
const bound = [launcher, '--until-stdin-closes', '--grace'];

/** init's standard input: a pair of sockets, as node makes it, and a pipe, as a shell does. */
const inputs: readonly [string, (line: readonly string[]) => string[]][] = [
  ['a socket', (line) => [...line]],
  // Not cat: busybox's passes on nothing before the end of its input.
  ['a pipe', (line) => ['sh', '-c', 'while read -r line; do echo "$line"; done | "$@"', 'sh', ...line]],
];

describe.each(inputs)('--until-stdin-closes, with %s', (_, from) => {
  test('a server that ends at the end of its input ends by itself, whatever it still has to do', async () => {
    const server = 'while read -r line; do echo "got $line"; done; trap "" TERM; echo last; exit 3';
    const init = startProcess(from([...bound, '100s', '--', 'sh', '-c', server]));
    init.stdin.write('one\n');
    expect(await init.nextLine()).toBe('got one');
    init.stdin.end('two\n');
    expect([await init.nextLine(), await init.nextLine()]).toEqual(['got two', 'last']);
    expect(await init.exit).toEqual({ code: 3, signal: null });
  });

  describeWith(['actor'], 'one that does not', () => {
    test('gets SIGTERM after the grace time, and SIGKILL after another', async () => {
      const init = startProcess(from([...bound, '1s', '--', actor, 'signals']));
      expect(await init.nextLine()).toMatch(/^ready/);
      init.stdin.end();
      expect(await init.nextLine()).toBe('15');
      expect(await init.exit).toEqual({ code: 137, signal: null });
    });
  });

  test('descendants that hold the descriptor keep nothing alive', async () => {
    const script = 'trap "" TERM; setsid sleep 1000 & sleep 1000 & echo $!; wait';
    const init = startProcess(from([...bound, '50ms', '--', 'sh', '-c', script]));
    const sleep = Number(await init.nextLine());
    init.stdin.end();
    expect(await init.exit).toEqual({ code: 137, signal: null });
    expect(hasEnded(sleep)).toBe(true);
  });

  test('the workload’s input is as it was: nothing is read from it, and it blocks', async () => {
    const init = startProcess(
      from([...bound, '100s', '--', 'sh', '-c', 'echo $$; read -r line; echo "$line"; cat']),
    );
    const pid = Number(await init.nextLine());
    // The shell is in its read, and init in its poll.
    await until(() => statusField(pid, 'State').startsWith('S'), 'the shell waits for input');
    expect(Number.parseInt(statusField(pid, 'flags', 'fdinfo/0'), 8) & O_NONBLOCK).toBe(0);
    expect(procFile(pid, 'fdinfo/0')).not.toBe('');
    init.stdin.end('first\nrest\n');
    expect([await init.nextLine(), await init.nextLine()]).toEqual(['first', 'rest']);
    expect(await init.exit).toEqual({ code: 0, signal: null });
  });
});

describe('--until-stdin-closes', () => {
  test('input that has ended before init began: the workload reads it all', async () => {
    const line = [...bound, '100s', '--', 'cat'];
    const shell = startProcess(['sh', '-c', 'printf "all of it" | "$@"', 'sh', ...line]);
    expect(await shell.nextLine()).toBe('all of it');
    expect(await shell.exit).toEqual({ code: 0, signal: null });
  });

  test('a FIFO is a pipe', async () => {
    const folder = mkdtempSync(join(buildFolder, 'fifo-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const fifo = join(folder, 'fifo');
    execFileSync('mkfifo', [fifo]);
    const script = 'exec "$@" <"$0"';
    const init = startProcess(['sh', '-c', script, fifo, ...bound, '0', '--', 'sleep', '1000']);
    const writer = startProcess(['sh', '-c', 'exec sleep 1000 >"$0"', fifo]);
    await until(() => childrenOf(init.pid).some(({ name }) => name === 'sleep'), 'the workload runs');
    expect(hasEnded(init.pid)).toBe(false);
    writer.kill('SIGKILL');
    expect(await init.exit).toEqual({ code: 137, signal: null });
  });

  test.each([
    ['a file', () => openSync(import.meta.filename, 'r'), 'a file'],
    ['/dev/null', () => openSync('/dev/null', 'r'), 'a terminal or another device'],
  ])('%s has no other end: one line and 125', async (_, open, name) => {
    const init = startProcess([...bound, '1s', '--', 'true'], { stdio: [open(), 'pipe', 'pipe'] });
    expect(await init.exit).toEqual({ code: 125, signal: null });
    expect(init.stderr()).toBe(
      `subreaper: cannot start, standard input is ${name}; give --until-stdin-closes a pipe or a socket\n`,
    );
  });

  test('nor has one that is closed', async () => {
    const init = startProcess(['sh', '-c', 'exec "$@" <&-', 'sh', ...bound, '1s', '--', 'true']);
    expect(await init.exit).toEqual({ code: 125, signal: null });
    expect(init.stderr()).toMatch(/standard input is closed; [^\n]+\n$/);
  });
});

describeWith(['script'], '--until-stdin-closes on a terminal', () => {
  test('is refused: one line and 125', async () => {
    const terminal = initOnTerminal({ options: ['--until-stdin-closes'], command: ['true'] });
    await terminal.shows(/subreaper: cannot start, standard input is a terminal or another device; [^\n]+\n/);
    expect((await terminal.exit).code).toBe(125);
  });
});
