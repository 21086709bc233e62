import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { actor, launcher, unshareArguments } from '../helpers/environment.ts';
import { describeModes, describeWith } from '../helpers/modes.ts';
import { childrenOf, statusField, until } from '../helpers/proc.ts';
import { startInit, startProcess } from '../helpers/run-init.ts';

describeModes([], 'what is the workload’s is not init’s', (mode) => {
  test('a pipe on descriptor 7: its reader sees the end when the workload closes it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'subreaper-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const pipe = join(folder, 'pipe');
    // Only init gets the descriptor: not unshare(1), and not the reader.
    const open = `mkfifo ${pipe}; (cat ${pipe}; echo end) & exec "$@" 7>${pipe}`;
    const init = await startInit({
      mode,
      launch: ['sh', '-c', open, 'sh', launcher],
      command: ['sh', '-c', 'echo hello >&7; exec 7>&-; exec sleep 1000'],
    });
    expect(await init.nextLine()).toBe('hello');
    expect(await init.nextLine()).toBe('end');
    const runs = () => childrenOf(init.pid).some(({ name }) => name === 'sleep');
    await until(runs, 'the workload still runs');
  });

  test('its working directory can be removed', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'subreaper-'));
    const init = await startInit({
      mode,
      // init has left before the workload runs.
      command: ['sh', '-c', 'readlink /proc/$PPID/cwd; pwd; cd /; echo moved; exec sleep 1000'],
      spawn: { cwd: folder },
    });
    expect(await init.nextLine()).toBe('/');
    expect(await init.nextLine()).toBe(folder);
    expect(await init.nextLine()).toBe('moved');
    rmdirSync(folder);
    expect(existsSync(folder)).toBe(false);
  });

  test('ps and top call it subreaper', async () => {
    const init = await startInit({ mode, command: ['sh', '-c', 'echo ready; exec sleep 1000'] });
    await init.nextLine();
    await until(() => statusField(init.pid, 'Name') === 'subreaper', 'init has named itself');
  });
});

describeWith(['namespaces'], 'a mount that init was started in', () => {
  test('can be unmounted', async () => {
    // The mount namespace leaves the machine's mounts as they are.
    const folder = mkdtempSync(join(tmpdir(), 'subreaper-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const script = `mount -t tmpfs none ${folder} && cd ${folder} && exec ${launcher} -- sh -c 'cd /; echo ready; read -r _; umount ${folder} && echo unmounted'`;
    const outer = startProcess(['unshare', ...(unshareArguments ?? []), '--mount', 'sh', '-c', script]);
    expect(await outer.nextLine()).toBe('ready');
    const [init] = childrenOf(outer.pid);
    // It names itself once it has closed what it does not need.
    await until(() => statusField(init?.pid as number, 'Name') === 'subreaper', 'init has let go');
    outer.stdin.write('\n');
    expect(await outer.nextLine()).toBe('unmounted');
    expect(await outer.exit).toEqual({ code: 0, signal: null });
  });
});

describeModes([], 'socket activation', (mode) => {
  test('a Node server finds its own pid in LISTEN_PID and serves on LISTEN_FDS', async () => {
    const server: Server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const handle = (server as unknown as { _handle: { fd: number } })._handle.fd;
    const app = `
      const { LISTEN_PID, LISTEN_FDS, LISTEN_PIDFDID, PWD } = process.env;
      require('net').createServer((socket) => socket.end(JSON.stringify({ own: Number(LISTEN_PID) === process.pid, LISTEN_FDS, LISTEN_PIDFDID, PWD })))
        .listen({ fd: 3 }, () => console.log('listening'));`;
    const init = await startInit({
      mode,
      // Whoever starts a socket-activated service knows its pid. exec in a shell keeps the pid.
      launch: [
        'env',
        '-u',
        'PWD',
        'sh',
        '-c',
        'unset PWD; LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_PIDFDID=1 exec "$@"',
        'sh',
        launcher,
      ],
      command: ['node', '-e', app],
      spawn: { stdio: ['pipe', 'pipe', 'pipe', handle] },
    });
    expect(await init.nextLine()).toBe('listening');
    server.close();
    const answer = await new Promise<string>((resolve, reject) => {
      let text = '';
      connect(port, '127.0.0.1')
        .on('data', (chunk) => {
          text += chunk;
        })
        .on('end', () => resolve(text))
        .on('error', reject);
    });
    expect(JSON.parse(answer)).toEqual({ own: true, LISTEN_FDS: '1' });
    expect(init.stderr()).toBe('');
  });

  test('a LISTEN_PID that is not init’s stays as it is', async () => {
    const init = await startInit({
      mode,
      command: ['sh', '-c', 'echo $LISTEN_PID'],
      spawn: { env: { ...process.env, LISTEN_PID: '99999' } },
    });
    expect(await init.nextLine()).toBe('99999');
  });
});

describeWith(['strace'], 'idle', () => {
  test('five seconds without a system call', async () => {
    const init = await startInit({ command: ['sh', '-c', 'echo ready; exec sleep 1000'] });
    await init.nextLine();
    await until(() => statusField(init.pid, 'Name') === 'subreaper', 'init has started');
    // init's last own action.
    const filePagesKib = () => Number.parseInt(statusField(init.pid, 'RssFile'), 10);
    const atStart = filePagesKib();
    await until(() => filePagesKib() < atStart / 2, 'the pages of its files are given back');
    const folder = mkdtempSync(join(tmpdir(), 'subreaper-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const trace = join(folder, 'trace');
    // The test shows that nothing happens, so there is no event to wait for.
    const strace = spawnSync(
      'timeout',
      ['-s', 'INT', '5', 'strace', '-f', '-o', trace, '-p', `${init.pid}`],
      {
        encoding: 'utf8',
      },
    );
    expect(strace.stderr).toMatch(/Process \d+ attached[\s\S]*Process \d+ detached/);
    const calls = readFileSync(trace, 'utf8')
      .split('\n')
      // strace shows the system call that a thread was in when it attached.
      .filter((line) => line !== '' && !/(epoll_p?wait|futex|<unfinished|<detached|\.\.\. )/.test(line));
    expect(calls).toEqual([]);
  });
});

describeModes(['actor'], 'what only start-up needed', (mode) => {
  test('the pages of its program’s files are given back, and init works on', async () => {
    const init = await startInit({ mode, command: [actor, 'signals'] });
    expect(await init.nextLine()).toMatch(/^ready/);
    const filePagesKib = () => Number.parseInt(statusField(init.pid, 'RssFile'), 10);
    const atStart = filePagesKib();
    await until(() => filePagesKib() < atStart / 2, 'half of them are gone');
    for (const signal of ['SIGUSR1', 'SIGTERM'] as const) {
      init.kill(signal);
      expect(await init.nextLine()).toBe(String(constants.signals[signal]));
    }
    expect(init.stderr()).toBe('');
  });
});
