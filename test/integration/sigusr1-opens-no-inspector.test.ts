import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { describeModes, describeWith } from '../helpers/modes.ts';
import { processStat, until } from '../helpers/proc.ts';
import { type RunningInit, startInit } from '../helpers/run-init.ts';

/** The inodes of the TCP sockets on which anybody listens: 0A is TCP_LISTEN, proc_net(5). */
function listening(pid: number): string[] {
  return ['tcp', 'tcp6'].flatMap((file) =>
    readFileSync(`/proc/${pid}/net/${file}`, 'latin1')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === '0A')
      .map((fields) => fields[9] as string),
  );
}

/** Whether a process listens on a TCP socket. */
function listens(pid: number): boolean {
  const inodes = listening(pid);
  return readdirSync(`/proc/${pid}/fd`).some((descriptor) => {
    try {
      const link = readlinkSync(`/proc/${pid}/fd/${descriptor}`);
      return inodes.some((inode) => link === `socket:[${inode}]`);
    } catch {
      // It has been closed since.
      return false;
    }
  });
}

/** node says so. If another process has the port, it says that it cannot, and has tried. */
const hasOpened = (init: RunningInit) => /^(Debugger listening|Starting inspector)/m.test(init.stderr());

/** init drops it, so that the workload lives. */
const options = ['--rewrite', 'USR1:0'];
const command = ['sh', '-c', 'echo ready; read -r _; exit 3'];

describeModes([], 'a SIGUSR1 after node’s start, before init has its handler,', (mode) => {
  test('leaves no inspector open', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'subreaper-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    // init waits for what the launcher's cat(1) writes.
    const slowCat = `#!/bin/sh\nwhile [ ! -e ${folder}/go ]; do sleep 0.01; done\nexec /bin/cat\n`;
    writeFileSync(join(folder, 'cat'), slowCat, { mode: 0o755 });
    const env = { ...process.env, PATH: `${folder}:${process.env['PATH']}` };
    const init = await startInit({ mode, options, command, spawn: { env } });
    // The number of read(2) on x64 and arm64, and the descriptor of the pipe. Before that, the shell reads from it.
    const isReading = () =>
      readFileSync(`/proc/${init.pid}/cmdline`, 'latin1').startsWith('node\0') &&
      /^(0|63) 0x3 /.test(readFileSync(`/proc/${init.pid}/syscall`, 'latin1'));
    await until(isReading, 'init reads');
    init.kill('SIGUSR1');
    writeFileSync(join(folder, 'go'), '');
    expect(await init.nextLine()).toBe('ready');
    await until(() => hasOpened(init), 'node has opened it');
    await until(() => !listens(init.pid), 'init has closed it');
    init.kill('SIGUSR1');
    init.stdin.end();
    expect(await init.exit).toEqual({ code: 3, signal: null });
  });
});

describeWith(['namespaces'], 'SIGUSR1 all the time, from the launcher’s first command on,', () => {
  test('leaves no inspector open', async () => {
    const init = await startInit({ mode: 'pid1', options, command });
    let isReady = false;
    const ready = init.nextLine().then((line) => {
      isReady = true;
      return line;
    });
    // PID 1 drops it while nobody handles it.
    while (!isReady && processStat(init.pid) !== undefined) {
      init.kill('SIGUSR1');
      await new Promise((next) => setImmediate(next));
    }
    expect(await ready).toBe('ready');
    // On a busy machine all of them may miss the moment in which node opens one.
    await until(() => !listens(init.pid), 'init has closed it');
    init.stdin.end();
    expect(await init.exit).toEqual({ code: 3, signal: null });
  });
});
