import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { descendants } from '../../src/index.ts';
import { isSameProcess, type ProcessInfo, readProcess } from '../../src/process-tree/process-table.ts';
import { launcher } from '../helpers/environment.ts';
import { describeModes } from '../helpers/modes.ts';
import { command, lacking, lackOf } from '../helpers/needs.ts';
import { childrenOf, processStat, until } from '../helpers/proc.ts';
import { type Mode, type RunningInit, startInit } from '../helpers/run-init.ts';

// Both are in a folder that may be missing from a user's PATH.
const PATH = `${process.env['PATH']}:/usr/sbin:/sbin`;
const env = { ...process.env, PATH };

/** Tests of a daemon. @param lacks as for `lacking` */
function describeDaemon(
  name: string,
  lacks: readonly (string | undefined)[],
  tests: (mode: Mode) => void,
): void {
  describe('with --until all,', lacking(...lacks), () => describeModes([], name, tests));
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'subreaper-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** Waits until the workload has ended and init has adopted the daemon of that name. */
async function adopted(init: RunningInit, name: string): Promise<ProcessInfo> {
  return until(() => {
    if (init.process.exitCode !== null) throw new Error(`init has ended: ${init.stderr()}`);
    const below = descendants(init.pid);
    const [daemon, ...more] = below.filter(({ parent }) => parent === init.pid);
    // A daemon leads a session. The workload is in init's session.
    const isDaemon = daemon?.name === name && processStat(daemon.pid)?.session === daemon.pid;
    return more.length === 0 && isDaemon && daemon;
  }, `init has adopted ${name} alone`);
}

/** SIGTERM to init ends it with 143, and all processes below it. */
async function expectStopped(init: RunningInit): Promise<void> {
  const below = descendants(init.pid);
  expect(below).not.toEqual([]);
  init.kill('SIGTERM');
  expect(await init.exit).toEqual({ code: 143, signal: null });
  expect(below.filter((info) => isSameProcess(readProcess(info.pid), info))).toEqual([]);
}

/** A free port, outside of those that the kernel gives out by itself: ip(7), ip_local_port_range. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.on('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true));
    });
    await new Promise((resolve) => server.close(resolve));
    if (isFree) return port;
  }
}

interface Nginx {
  readonly command: readonly string[];
  readonly pidFile: string;
  /** The body of its answer. @throws if nothing listens */
  answer(): Promise<string>;
}

/** nginx as a daemon, as in Debian's configuration. It writes only into a folder of the test. */
async function createNginx({ directives = '' } = {}): Promise<Nginx> {
  const folder = temporaryFolder();
  const port = await freePort();
  const configuration = join(folder, 'nginx.conf');
  const pidFile = join(folder, 'nginx.pid');
  const log = join(folder, 'error.log');
  const temporaryPaths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${join(folder, name)};`,
  );
  writeFileSync(
    configuration,
    `worker_processes 2;
     pid ${pidFile};
     ${directives}
     events {}
     http {
       access_log off;
       ${temporaryPaths.join('\n')}
       server { listen 127.0.0.1:${port}; location / { return 200 "pid $pid"; } }
     }`,
  );
  return {
    command: ['nginx', '-p', folder, '-c', configuration, '-e', log],
    pidFile,
    answer: async () => {
      const response = await fetch(`http://127.0.0.1:${port}`, { headers: { connection: 'close' } });
      return response.text();
    },
  };
}

describeDaemon('nginx, a daemon', [command('nginx', 'nginx-light', PATH)], (mode) => {
  test('keeps init up with --until all, and ends with it', async () => {
    const nginx = await createNginx();
    const init = await startInit({
      mode,
      options: ['--until', 'all'],
      command: nginx.command,
      spawn: { env },
    });
    const master = await adopted(init, 'nginx');
    await until(() => existsSync(nginx.pidFile) && readFileSync(nginx.pidFile, 'latin1'), 'nginx is up');
    await until(() => childrenOf(master.pid).length === 2, 'nginx has its workers');
    expect(await nginx.answer()).toMatch(/^pid \d+$/);
    expect(init.process.exitCode).toBe(null);
    await expectStopped(init);
    // It ended by itself: if it had been killed, its file would still be there.
    expect(existsSync(nginx.pidFile)).toBe(false);
    await expect(nginx.answer()).rejects.toThrow();
    expect(init.stderr()).toBe('');
  });

  test('ends init when it is stopped by other means', async () => {
    const nginx = await createNginx();
    const init = await startInit({
      mode,
      options: ['--until', 'all'],
      command: nginx.command,
      spawn: { env },
    });
    const master = await adopted(init, 'nginx');
    await until(() => existsSync(nginx.pidFile) && readFileSync(nginx.pidFile, 'latin1'), 'nginx is up');
    expect(await nginx.answer()).toMatch(/^pid \d+$/);
    process.kill(master.pid, 'SIGQUIT');
    // The status is that of the workload, the nginx that forked the daemon.
    expect(await init.exit).toEqual({ code: 0, signal: null });
    expect(existsSync(nginx.pidFile)).toBe(false);
  });

  test('is ended with the workload without --until all', async () => {
    const nginx = await createNginx();
    const init = await startInit({ mode, command: nginx.command, spawn: { env } });
    expect(await init.exit).toEqual({ code: 0, signal: null });
    expect(init.stderr()).toBe('');
    await expect(nginx.answer()).rejects.toThrow();
  });

  test('that fails over its configuration: nginx’s own exit status', async () => {
    const nginx = await createNginx({ directives: 'no_such_directive on;' });
    const options = ['--until', 'all'];
    const alone = spawnSync('sh', ['-c', '"$@"', 'sh', ...nginx.command], { env });
    expect(alone.status).toBeGreaterThan(0);
    const init = await startInit({ mode, options, command: nginx.command, spawn: { env } });
    expect(await init.exit).toEqual({ code: alone.status, signal: null });
    const says = await until(() => init.stderr().includes('\n') && init.stderr(), 'nginx says why');
    expect(says).toMatch(/^nginx: \[emerg\] unknown directive "no_such_directive"[^\n]*\n$/);
  });
});

describeDaemon(
  'cron, a daemon',
  [lackOf('root'), lackOf('mounts'), command('cron', 'cron', PATH)],
  (mode) => {
    test('keeps init up with --until all, and ends with it', async () => {
      const folder = temporaryFolder();
      const ran = join(folder, 'ran');
      writeFileSync(join(folder, 'crontab'), `@reboot root echo $PPID > ${ran}\n`, { mode: 0o644 });
      // The test is not about the machine's limits on sessions.
      const permit = ['auth', 'account', 'session']
        .map((type) => `${type} required pam_permit.so\n`)
        .join('');
      writeFileSync(join(folder, 'pam'), permit);
      // A mount namespace keeps the machine's jobs, and its cron in /run, out of the test.
      const masked = `
      set -e
      for empty in /run /etc/cron.d /var/spool/cron/crontabs; do mount -t tmpfs none $empty; done
      mount --bind ${folder}/crontab /etc/crontab
      mount --bind ${folder}/pam /etc/pam.d/cron
      exec "$@"`;
      const init = await startInit({
        mode,
        launch: ['unshare', '--mount', 'sh', '-c', masked, 'sh', launcher],
        options: ['--until', 'all'],
        command: ['cron'],
        spawn: { env },
      });
      await adopted(init, 'cron');
      await until(() => existsSync(ran) && readFileSync(ran, 'latin1'), 'cron has run its job');
      await adopted(init, 'cron');
      expect(init.process.exitCode).toBe(null);
      await expectStopped(init);
      expect(init.stderr()).toBe('');
    });
  },
);

describeModes([], 'with --until all, what a workload leaves behind', (mode) => {
  /** Starts a workload that ends at once and leaves this script running. The script reads the test's lines on 3. */
  async function startLeaving(left: string, end: string): Promise<RunningInit> {
    const init = await startInit({
      mode,
      // Without -q a line tells of the SIGKILL that init did not send.
      options: ['--until', 'all', '-q'],
      command: ['sh', '-c', `exec 3<&0; setsid sh -c "$0" & ${end}`, left],
    });
    expect(await init.nextLine()).toBe('waits');
    // It leads a session. The workload is in init's session.
    await until(() => {
      if (init.process.exitCode !== null) throw new Error(`init has ended: ${init.stderr()}`);
      const [child, ...more] = childrenOf(init.pid);
      return more.length === 0 && child?.session === child?.pid;
    }, 'the workload has been reaped');
    expect(init.process.exitCode).toBe(null);
    return init;
  }

  /** Ignores the signal, and ends at the test's next line. Reports both. */
  const stubborn = 'trap "echo asked" TERM; echo waits; until read -r _ <&3; do :; done; echo ends; exit 9';

  test.each([
    ['exit 3', 3],
    ['exit 0', 0],
    ['kill -KILL $$', 137],
  ])('is waited for, and asked nothing; after %j init ends with %i', async (end, code) => {
    const init = await startLeaving(stubborn, end);
    init.stdin.write('\n');
    expect(await init.nextLine()).toBe('ends');
    expect(await init.exit).toEqual({ code, signal: null });
    expect(init.stderr()).toBe('');
  });

  test('is waited for to the last, whoever started it', async () => {
    const next = 'echo waits; read -r _ <&3; setsid sh -c "echo next; read -r _ <&3; echo ends; exit 9" &';
    const init = await startLeaving(next, 'exit 3');
    const [first] = childrenOf(init.pid);
    init.stdin.write('\n');
    expect(await init.nextLine()).toBe('next');
    await until(() => processStat(first?.pid as number) === undefined, 'the first has been reaped');
    expect(childrenOf(init.pid)).toHaveLength(1);
    expect(init.process.exitCode).toBe(null);
    init.stdin.write('\n');
    expect(await init.nextLine()).toBe('ends');
    expect(await init.exit).toEqual({ code: 3, signal: null });
  });

  test.each([
    ['exit 0', 143],
    ['exit 3', 3],
  ])('gets SIGTERM to init, and may take its time; after %j init ends with %i', async (end, code) => {
    const init = await startLeaving(stubborn, end);
    init.kill('SIGTERM');
    expect(await init.nextLine()).toBe('asked');
    init.kill('SIGTERM');
    expect(await init.nextLine()).toBe('asked');
    expect(init.process.exitCode).toBe(null);
    init.stdin.write('\n');
    expect(await init.nextLine()).toBe('ends');
    expect(await init.exit).toEqual({ code, signal: null });
  });

  test('that ends by SIGTERM to init: 143', async () => {
    const init = await startLeaving('echo waits; sleep 1000 & setsid sleep 1000 & wait', 'exit 0');
    await until(() => {
      const sleeps = descendants(init.pid).filter(({ name }) => name === 'sleep');
      return sleeps.length === 2;
    }, 'all of it runs');
    await expectStopped(init);
  });
});
