import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { launcher } from '../helpers/environment.ts';
import { describeWith } from '../helpers/modes.ts';
import { childrenOf, descendantsOf, statusField, until } from '../helpers/proc.ts';
import { type Mode, runInit, startInit, startMarked, startProcess } from '../helpers/run-init.ts';
import { initOnTerminal } from '../helpers/terminal.ts';

/** Not root. Nobody of that name needs to exist. */
const USER = 1000;
const user = `${USER}`;
const asUser = ['setpriv', `--reuid=${USER}`, `--regid=${USER}`, '--clear-groups'];
const app = (name: string) => resolve(import.meta.dirname, '../apps', name);

function temporaryFolder(mode = 0o700): string {
  const folder = mkdtempSync(join(tmpdir(), 'subreaper-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  chmodSync(folder, mode);
  return folder;
}

/** A folder for root's files, and one for those of the other user, who cannot get into the first. */
function twoFolders(): { readonly roots: string; readonly theirs: string } {
  const both = temporaryFolder(0o711);
  const roots = join(both, 'roots');
  const theirs = join(both, 'theirs');
  mkdirSync(roots, { mode: 0o700 });
  mkdirSync(theirs);
  chownSync(theirs, USER, USER);
  return { roots, theirs };
}

const descriptorsOf = (pid: number) => readdirSync(`/proc/${pid}/fd`);

describeWith(['root', 'namespaces'], 'a workload of another user, below root’s init,', () => {
  test.each<Mode>(['pid1', 'subreaper'])(
    'cannot read, change, trace or signal it, though it can do so with its own child: %s',
    async (mode) => {
      const { code, stdout } = await runInit({ mode, command: ['node', app('attacker.cjs'), user] });
      expect(code).toBe(0);
      const [onInit, onChild] = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)) as [Record<string, string>, Record<string, string>];
      // Some kernels lack a file of /proc, and some containers refuse a call to everybody.
      const possible = Object.keys(onChild).filter((attack) => onChild[attack] === 'done');
      expect(possible).toEqual(expect.arrayContaining(['read environ', 'read mem', 'read maps', 'read fd']));
      expect(possible).toEqual(expect.arrayContaining(['set a limit', 'signal it', 'queue a signal']));
      expect(possible.filter((attack) => !/^(EACCES|EPERM)$/.test(onInit[attack] as string))).toEqual([]);
    },
  );

  const inOwnNamespace = [...asUser, 'unshare', '--user', '--map-root-user'];
  /** A kernel, or a container, may keep user namespaces for root. */
  const hasNamespaces = () => spawnSync('setpriv', [...inOwnNamespace.slice(1), 'true']).status === 0;
  const obstacle = 'no user namespaces for others than root';

  test('cannot do so as root of a user namespace of its own, nor enter init’s namespaces', async ({
    skip,
  }) => {
    skip(!hasNamespaces(), obstacle);
    const attacks = [
      ...['mnt', 'pid', 'net', 'user', 'ipc', 'uts'].map(
        (name) => `nsenter --${name}=/proc/$0/ns/${name} true`,
      ),
      ...['cat /proc/$0/environ', 'ls /proc/$0/fd', 'ls /proc/$0/root/', 'kill -KILL $0', 'kill -USR1 $0'],
      ...['prlimit --pid $0 --as=1:1', 'renice -n 19 -p $0', 'mount -t tmpfs none /proc', 'hostname theirs'],
    ];
    const script = [
      'grep -q "^CapEff:.*[1-9a-f]" /proc/self/status && echo has capabilities',
      ...attacks.map((attack) => `${attack} >/dev/null 2>&1 && echo '${attack}'`),
      ':',
    ].join('\n');
    const knowingInit = ['sh', '-c', 'init=$PPID; exec "$@" $init', 'sh'];
    const { stdout } = await runInit({ command: [...knowingInit, ...inOwnNamespace, 'sh', '-c', script] });
    expect(stdout).toBe('has capabilities\n');
  });

  test('takes no process out of its reach with namespaces of their own', async ({ skip }) => {
    skip(!hasNamespaces(), obstacle);
    const own = 'unshare --user --map-root-user --pid --fork --ipc --uts --net --cgroup';
    const left = `setsid ${own} setsid sh -c 'trap "" TERM; echo ready; sleep 1000; :'`;
    const command = [...asUser, 'sh', '-c', `${left} & read -r _; exit 7`];
    const init = await startMarked({ options: ['--grace', '50ms'], command });
    expect(await init.nextLine()).toBe('ready');
    init.stdin.end();
    expect(await init.exit).toEqual({ code: 7, signal: null });
    expect(init.left()).toEqual([]);
  });

  test('gets no descriptor of it, which has no socket, whatever a service manager’s variables say', async () => {
    const folder = temporaryFolder();
    const service = { LISTEN_FDS: '9', NOTIFY_SOCKET: `${folder}/notify`, WATCHDOG_USEC: '1' };
    const command = ['sh', '-c', 'echo ready; read -r _'];
    const init = await startInit({
      options: ['-vv', '--report', `${folder}/report`, '--trace', `${folder}/trace`],
      launch: ['sh', '-c', 'LISTEN_PID=$$ WATCHDOG_PID=$$ exec "$@"', 'sh', launcher],
      command,
      spawn: { env: { ...process.env, ...service } },
    });
    expect(await init.nextLine()).toBe('ready');
    const withoutInit = startProcess(command);
    expect(await withoutInit.nextLine()).toBe('ready');
    const [workload] = childrenOf(init.pid);
    expect(descriptorsOf(workload?.pid as number)).toEqual(descriptorsOf(withoutInit.pid));
    await until(() => statusField(init.pid, 'Name') === 'subreaper', 'init has started');
    const links = descriptorsOf(init.pid)
      .filter((descriptor) => Number(descriptor) > 2)
      .map((descriptor) => readlinkSync(`/proc/${init.pid}/fd/${descriptor}`));
    expect(links).toContain('anon_inode:[eventpoll]');
    expect(links.filter((link) => link.startsWith('socket:'))).toEqual([]);
    init.stdin.end();
    await init.exit;
  });
});

describeWith(['root', 'script'], 'a workload of another user, on root’s terminal,', () => {
  test('can make it give a signal to init, as Ctrl-C does, and no more: init ends its tree all the same', async () => {
    const command = ['node', app('terminal-attacker.cjs'), user];
    const terminal = initOnTerminal({ options: ['-v'], command });
    const [, hasTyped] = await terminal.shows(/given true, typed (true|false)/);
    // Since Linux 6.2 /proc/sys/dev/tty/legacy_tiocsti may forbid it.
    const typed = hasTyped === 'true' ? ['SIGINT', 'SIGQUIT', 'SIGTSTP'] : [];
    const hasGot = (signal: string) => terminal.output().includes(`got ${signal}`);
    await until(() => typed.every(hasGot), 'the workload has got what it typed');
    // It takes its name once the workload runs.
    const init = await until(
      () => descendantsOf(terminal.pid).find(({ name }) => name === 'subreaper'),
      'init has its name',
    );
    // It stops the terminal's output, and ends. init has something to say about that, but does not wait for room.
    process.kill(init.pid, 'SIGTERM');
    expect(await terminal.exit).toEqual({ code: 139, signal: null });
  });
});

describeWith(['root', 'namespaces'], 'where another user owns the folder of what root’s init writes', () => {
  test('its files survive a link and a folder that are exchanged all the time', async () => {
    const { roots, theirs } = twoFolders();
    const files = Array.from({ length: 50 }, (_, index) => `file-${index}`);
    for (const file of files) writeFileSync(join(roots, file), '');
    const records = ['report', 'trace'].map((name) => join(theirs, name));
    const [report, trace] = records as [string, string];
    const unfinished = records.map((file) => `${file}.1.unfinished`);
    const attacker = startProcess(['node', app('exchange.cjs'), user, roots, ...unfinished]);
    expect(await attacker.nextLine()).toBe('ready');
    const options = ['--report', report, '--trace', trace, '-q'];
    for (let round = Number(process.env['RACES'] ?? 3); round > 0; round--) {
      expect(await runInit({ mode: 'pid1', options, command: ['true'] })).toMatchObject({ code: 0 });
      expect(readdirSync(roots)).toHaveLength(files.length);
    }
  });

  test.each<[string, (target: string, name: string) => void]>([
    ['a symbolic link', symlinkSync],
    ['a symbolic link to nothing', (target, name) => symlinkSync(`${target}-new`, name)],
    ['a hard link', linkSync],
    ['a FIFO', (_, name) => execFileSync('mkfifo', [name])],
    ['a folder', (_, name) => mkdirSync(name)],
  ])('nothing is written through %s', async (_, make) => {
    const { roots, theirs } = twoFolders();
    const target = join(roots, 'target');
    writeFileSync(target, 'roots');
    const files = ['report', 'trace', 'termination-log'].map(
      (name) => [`--${name}`, join(theirs, name)] as const,
    );
    for (const [, file] of files) {
      make(target, file);
      make(target, `${file}.1.unfinished`);
    }
    const options = files.flat();
    const { code } = await runInit({ mode: 'pid1', options, command: ['sh', '-c', 'kill -USR1 $$'] });
    expect(code).toBe(138);
    expect(readFileSync(target, 'utf8')).toBe('roots');
    expect(readdirSync(roots)).toEqual(['target']);
  });
});
