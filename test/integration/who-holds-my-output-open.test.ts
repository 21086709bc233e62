import { type ChildProcess, execFileSync, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, copyFileSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type ListenOptions, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openPipe } from '../../src/native/descriptors.ts';
import { pipeHolders } from '../../src/testing/index.ts';
import { actor, refuse } from '../helpers/environment.ts';
import { describeWith } from '../helpers/modes.ts';
import { needs } from '../helpers/needs.ts';
import { codeCommand } from '../helpers/own-init.ts';
import { processStat, until } from '../helpers/proc.ts';
import { startProcess } from '../helpers/run-init.ts';
import { spawnPatiently } from '../helpers/spawn-patiently.ts';
import { startTerminal } from '../helpers/terminal.ts';

type Child = ChildProcess & { pid: number; stdin: Socket; stdout: Socket; stderr: Socket };

/** Starts a shell that ends with the test. */
function startShell(script: string, stdio: StdioOptions = 'pipe', ...args: readonly string[]): Child {
  const child = spawnPatiently('sh', ['-c', script, ...args], { stdio }) as Child;
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

/** The pid of the `sleep 1000` that a shell has started and printed. Until it executes, it is a shell as well. */
async function printedPid(child: Child): Promise<number> {
  const pid = Number(String((await once(child.stdout, 'data'))[0]));
  const started = processStat(pid)?.startTime;
  onTestFinished(() => {
    // It may have ended, and another process have its pid.
    if (processStat(pid)?.startTime === started) process.kill(pid, 'SIGKILL');
  });
  await until(
    () => readFileSync(`/proc/${pid}/cmdline`, 'latin1') === ['sleep', '1000', ''].join('\0'),
    'it sleeps',
  );
  return pid;
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'subreaper-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

const pidsOf = (...args: Parameters<typeof pipeHolders>) => pipeHolders(...args).map(({ pid }) => pid);

describe('the pipes of child_process', () => {
  test('a grandchild keeps the output open: it is named, and its end is the end of the output', async () => {
    const child = startShell('sleep 1000 & echo $!');
    const exit = once(child, 'exit');
    const pid = await printedPid(child);
    expect((await exit)[0]).toBe(0);
    const holder = { pid, name: 'sleep', command: 'sleep 1000' };
    expect(pipeHolders(child.stdout)).toEqual([{ ...holder, descriptors: [1] }]);
    expect(pipeHolders(child.stderr)).toEqual([{ ...holder, descriptors: [2] }]);
    process.kill(pid, 'SIGKILL');
    await once(child.stdout, 'close');
  });

  const anyName = 'a holder may have any name: it is text, and no escape sequence of it reaches a terminal';
  test(anyName, needs('actor'), async () => {
    const program = join(temporaryFolder(), 'wörk\x1b[31m');
    // Not sh: busybox does what its name says.
    copyFileSync(actor, program);
    const child = startShell('exec "$0" signals', 'pipe', program);
    await once(child.stdout, 'data');
    const name = 'wörk?[31m';
    expect(pipeHolders(child.stdout)).toEqual([
      {
        pid: child.pid,
        name,
        command: `${dirname(program)}/${name} signals`,
        descriptors: [1],
      },
    ]);
  });

  test('everybody who holds it is named, with every descriptor', async () => {
    const child = startShell('exec 7>&1; sleep 1000 & echo $!; exec 1>&-; read -r _');
    const pid = await printedPid(child);
    await until(() => pipeHolders(child.stdout).some((holder) => holder.descriptors.length === 1), 'closed');
    const holders = pipeHolders(child.stdout);
    expect(holders).toHaveLength(2);
    expect(holders).toContainEqual({
      pid: child.pid,
      name: 'sh',
      command: expect.stringMatching(/^sh -c exec 7>&1; /),
      descriptors: [7],
    });
    expect(holders).toContainEqual({ pid, name: 'sleep', command: 'sleep 1000', descriptors: [1, 7] });
    process.kill(pid, 'SIGKILL');
    child.stdin.end();
    await once(child, 'close');
  });
});

describe('pipes', () => {
  /** A pipe of this process, closed with the test. */
  function pipe(): { readEnd: number; writeEnd: number; close: (end: number) => void } {
    const ends = openPipe();
    const open = new Set(Object.values(ends));
    const close = (end: number) => {
      if (open.delete(end)) closeSync(end);
    };
    onTestFinished(() => open.forEach(close));
    return { ...ends, close };
  }

  test('this process is named if it has kept the other end', () => {
    const { readEnd, writeEnd } = pipe();
    expect(pipeHolders(readEnd)).toMatchObject([{ pid: process.pid, descriptors: [writeEnd] }]);
    expect(pipeHolders(writeEnd)).toMatchObject([{ pid: process.pid, descriptors: [readEnd] }]);
  });

  test('writers hold the end to read from up, and readers the end to write to', async () => {
    const { readEnd, writeEnd, close } = pipe();
    const writer = startShell('echo; read -r _', ['pipe', 'pipe', 'ignore', writeEnd]);
    const reader = startShell('echo; read -r _', ['pipe', 'pipe', 'ignore', readEnd]);
    await Promise.all([once(writer.stdout, 'data'), once(reader.stdout, 'data')]);
    close(writeEnd);
    expect(pipeHolders(readEnd)).toMatchObject([{ pid: writer.pid, descriptors: [3] }]);
    const both = startShell('echo; read -r _', ['pipe', 'pipe', 'ignore', readEnd]);
    await once(both.stdout, 'data');
    expect(pidsOf(readEnd)).toEqual([writer.pid]);
  });

  test('a FIFO in a file system', async () => {
    const fifo = join(temporaryFolder(), 'fifo');
    execFileSync('sh', ['-c', `mkfifo ${fifo}`]);
    const readEnd = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
    onTestFinished(() => closeSync(readEnd));
    expect(pipeHolders(readEnd)).toEqual([]);
    const writer = startShell(`exec 5>${fifo}; echo; read -r _`);
    await once(writer.stdout, 'data');
    expect(pipeHolders(readEnd)).toMatchObject([{ pid: writer.pid, descriptors: [5] }]);
  });
});

describe('sockets', () => {
  /** Both ends of a connection. Neither is read. */
  async function connected(address: ListenOptions): Promise<[Socket, Socket]> {
    const server = createServer({ pauseOnConnect: true }).listen(address);
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    const { port } = server.address() as AddressInfo;
    const client = connect(port === undefined ? { path: address.path as string } : { port });
    const [peer] = await accepted;
    onTestFinished(() => {
      client.destroy();
      peer.destroy();
    });
    return [client, peer];
  }

  test('a connection to a UNIX socket, until its other end is closed', async () => {
    const [client, peer] = await connected({ path: join(temporaryFolder(), 'socket') });
    const child = startShell('echo; read -r _', ['pipe', 'pipe', 'ignore', client]);
    await once(child.stdout, 'data');
    expect(pidsOf(client)).toEqual([process.pid]);
    expect(pidsOf(peer).sort()).toEqual([process.pid, child.pid].sort());
    client.destroy();
    await once(client, 'close');
    expect(pipeHolders(peer)).toMatchObject([{ pid: child.pid, descriptors: [3] }]);
    child.stdin.end();
    await once(child, 'exit');
    expect(pipeHolders(peer)).toEqual([]);
  });

  test('a TCP connection is none that can be told', async () => {
    const [client] = await connected({ port: 0 });
    expect(() => pipeHolders(client)).toThrow(
      expect.objectContaining({
        name: 'TypeError',
        message: expect.stringMatching(
          /^pipeHolders: descriptor \d+ is a socket, but not a UNIX socket [^\n]+$/,
        ),
      }),
    );
  });

  describeWith(['refuse'], 'if netlink is refused', () => {
    test('the error names the call', async () => {
      const command = codeCommand(
        `import { spawn } from 'node:child_process';
         import { pipeHolders } from 'subreaper/testing';
         const { stdout, stdin } = spawn('cat');
         try { pipeHolders(stdout); } catch ({ code, syscall }) { console.log(syscall, code); }
         stdin.end();`,
        { flags: [] },
      );
      const running = startProcess([refuse, 'socket', 'EPERM', ...command]);
      expect(await running.nextLine()).toBe('socket EPERM');
      expect(await running.exit).toEqual({ code: 0, signal: null });
    });
  });
});

describe('what is no pipe', () => {
  test('a closed descriptor is refused', () => {
    expect(() => pipeHolders(999_999)).toThrow(
      new TypeError('pipeHolders: descriptor 999999 is not open; pass one end of a pipe'),
    );
  });

  test('a file is refused', () => {
    const file = openSync('/dev/null', 'r');
    onTestFinished(() => closeSync(file));
    expect(() => pipeHolders(file)).toThrow(
      new TypeError(`pipeHolders: descriptor ${file} is neither a pipe nor a socket; pass one end of a pipe`),
    );
  });

  test('a stream that has been closed is refused', async () => {
    const child = startShell(':');
    await once(child, 'exit');
    child.stdout.destroy();
    expect(() => pipeHolders(child.stdout)).toThrow("pipeHolders: 'stream' is closed, or has no descriptor");
  });
});

describe('a process that a test leaves', () => {
  const secret = 'hunter2-d41d8cd9';

  /** Leaves a process with these standard streams, and prints the error to `report`, a path. */
  const leaving = (stdio: readonly string[], report: string) =>
    codeCommand(
      `import { spawn } from 'node:child_process';
       import { writeFileSync } from 'node:fs';
       import { trackProcesses } from 'subreaper/testing';
       const tracker = trackProcesses();
       spawn('sleep', ['1000'], { stdio: ${JSON.stringify(stdio)}, env: { ...process.env, SECRET: '${secret}' } });
       await tracker.stop().catch(({ message }) => writeFileSync(${JSON.stringify(report)}, message + '\\n'));`,
      { flags: [] },
    );

  /** What the error says below the line of each process, without what differs from run to run. */
  const detailsOf = async (line: readonly string[], report = '/dev/stdout') => {
    const running = startProcess(line);
    let text = '';
    for (;;) {
      const next = await running.nextLine().catch(() => undefined);
      if (next === undefined) break;
      text += `${next}\n`;
    }
    expect(await running.exit).toEqual({ code: 0, signal: null });
    if (report !== '/dev/stdout') text = execFileSync('cat', [report], { encoding: 'utf8' });
    expect(text).toMatch(
      /^this process left a process running, ended by now:\n {2}\d+ sleep 1000\n {4}\w+, [\d.]+ s old, below \d+ this process\n/,
    );
    expect(text).not.toContain(secret);
    return text.split('\n').slice(3, -1);
  };

  const shell = (script: string, command: readonly string[]) => ['sh', '-c', script, 'sh', ...command];

  test.each([
    [['ignore', 'inherit', 'ignore'], ["    holds this process's stdout open"]],
    [['ignore', 'ignore', 'inherit'], ["    holds this process's stderr open"]],
    [['ignore', 'inherit', 'inherit'], ["    holds this process's stdout and stderr open"]],
    [['ignore', 'ignore', 'ignore', 1], ["    holds this process's stdout open"]],
    [['ignore', 'pipe', 'pipe'], []],
    [['ignore', 'ignore', 'ignore'], []],
  ])('with the streams %j: says what it holds of a socket', async (stdio, lines) => {
    const report = join(temporaryFolder(), 'report');
    expect(await detailsOf(leaving(stdio as string[], report), report)).toEqual(lines);
  });

  test('says what it holds of a pipe', async () => {
    const line = shell('"$@" 2>&1 | cat', leaving(['ignore', 'inherit', 'ignore'], '/dev/stdout'));
    expect(await detailsOf(line)).toEqual(["    holds this process's stdout and stderr open"]);
  });

  test('a file keeps nobody waiting', async () => {
    const report = join(temporaryFolder(), 'report');
    const line = shell(`exec "$@" >${report}.out 2>&1`, leaving(['ignore', 'inherit', 'inherit'], report));
    expect(await detailsOf(line, report)).toEqual([]);
  });

  describeWith(['script'], 'on a terminal', () => {
    test('a terminal keeps nobody waiting', async () => {
      const report = join(temporaryFolder(), 'report');
      const terminal = startTerminal(leaving(['ignore', 'inherit', 'inherit'], report));
      expect(await terminal.exit).toEqual({ code: 0, signal: null });
      expect(await detailsOf(['true'], report)).toEqual([]);
    });
  });
});
