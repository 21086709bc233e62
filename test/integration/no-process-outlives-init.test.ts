import { chmodSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { actor, launcher, unshareArguments } from '../helpers/environment.ts';
import { describeModes, describeWith } from '../helpers/modes.ts';
import { needs } from '../helpers/needs.ts';
import { childrenOf, descendantsOf, hasEnded, processStat, signalIfThere, until } from '../helpers/proc.ts';
import { runToEnd, startMarked, startProcess } from '../helpers/run-init.ts';
import { daemon } from '../helpers/shell-workloads.ts';
import { isWhole } from '../helpers/whole.ts';

describeModes([], 'no process outlives init', (mode) => {
  test.each([
    { name: 'that ignore SIGTERM', script: 'trap "" TERM; sleep 1000 & sleep 1000 &' },
    { name: 'in another session', script: 'trap "" TERM; setsid sleep 1000 & setsid sleep 1000 &' },
    {
      name: 'that are stopped',
      script: 'sh -c "trap \'\' TERM; kill -STOP \\$\\$; sleep 1000" & sleep 1000 & kill -STOP $! &',
    },
    { name: 'that daemonized', script: `(${daemon}) & read -r _ &` },
  ])('survivors $name', async ({ script }) => {
    const init = await startMarked({
      mode,
      options: ['--grace', '100ms'],
      command: ['sh', '-c', `${script} echo started; read -r _; exit 5`],
    });
    for (let line = ''; line !== 'started'; ) line = await init.nextLine();
    expect(descendantsOf(init.pid).length).toBeGreaterThan(1);
    init.stdin.write('\n\n');
    expect(await init.exit).toEqual({ code: 5, signal: null });
    expect(init.left()).toEqual([]);
  });

  test('survivors get SIGTERM, also stopped ones, and the end does not wait for the grace time', async () => {
    const script = `sh -c 'trap "echo bye; exit" TERM; echo ready; kill -STOP $$; while :; do sleep 0.01; done' & read -r _; exit 4`;
    const init = await startMarked({ mode, options: ['--grace', '1000s'], command: ['sh', '-c', script] });
    expect(await init.nextLine()).toBe('ready');
    await until(() => descendantsOf(init.pid).some(({ state }) => state === 'T'), 'the survivor is stopped');
    init.stdin.write('\n');
    expect(await init.nextLine()).toBe('bye');
    expect(await init.exit).toEqual({ code: 4, signal: null });
    expect(init.left()).toEqual([]);
  });

  test('--grace 0 kills at once', async () => {
    const script = `sh -c 'trap "echo bye" TERM; echo ready; while :; do sleep 0.01; done' & read -r _; exit 4`;
    const init = await startMarked({ mode, options: ['--grace', '0'], command: ['sh', '-c', script] });
    expect(await init.nextLine()).toBe('ready');
    init.stdin.write('\n');
    await expect(init.nextLine()).rejects.toThrow('the output ended');
    expect(await init.exit).toEqual({ code: 4, signal: null });
    expect(init.left()).toEqual([]);
  });

  test('a second stop signal during the grace time kills at once', async () => {
    const script = `trap "exit 6" TERM; sh -c 'trap "echo no" TERM; echo ready; while :; do sleep 0.01; done' & wait`;
    const init = await startMarked({
      mode,
      options: ['--grace', '1000s', '--scope', 'child'],
      command: ['sh', '-c', script],
    });
    expect(await init.nextLine()).toBe('ready');
    init.kill('SIGTERM');
    // It ends the workload. The survivor gets SIGTERM from init, and ignores it.
    expect(await init.nextLine()).toBe('no');
    await until(
      () => !descendantsOf(init.pid).some(({ pid }) => childrenOf(pid).length > 1),
      'the workload has ended',
    );
    init.kill('SIGTERM');
    expect(await init.exit).toEqual({ code: 6, signal: null });
    expect(init.left()).toEqual([]);
  });

  test('a second stop signal that comes while the dead workload is unreaped kills at once', async () => {
    const init = await startMarked({
      mode,
      options: ['--grace', '1000s'],
      command: ['sh', '-c', `(trap '' TERM INT; echo ready; exec sleep 1000) & read -r _`],
    });
    expect(await init.nextLine()).toBe('ready');
    const [workload] = await until(() => {
      const children = childrenOf(init.pid).filter(({ name }) => name === 'sh');
      return children.length === 1 && children;
    }, 'the workload runs');
    const { pid } = workload as { pid: number };
    init.kill('SIGSTOP');
    await until(() => processStat(init.pid)?.state === 'T', 'init is stopped');
    process.kill(pid, 'SIGKILL');
    await until(() => hasEnded(pid), 'the workload has ended');
    init.kill('SIGTERM');
    init.kill('SIGINT');
    init.kill('SIGCONT');
    expect(await init.exit).toEqual({ code: 137, signal: null });
    expect(init.left()).toEqual([]);
  });

  test('a second stop signal right behind the end of the workload kills at once', async () => {
    const refusing = `(trap '' TERM INT; echo ready; exec sleep 1000) &`;
    const init = await startMarked({
      mode,
      options: ['--grace', '1000s'],
      command: ['sh', '-c', `trap 'echo stops; read -r _; exit 6' TERM; ${refusing} wait`],
    });
    expect(await init.nextLine()).toBe('ready');
    init.kill('SIGTERM');
    expect(await init.nextLine()).toBe('stops');
    const [workload] = childrenOf(init.pid).filter(({ name }) => name === 'sh');
    const { pid } = workload as { pid: number };
    init.kill('SIGSTOP');
    await until(() => processStat(init.pid)?.state === 'T', 'init is stopped');
    init.stdin.write('\n');
    await until(() => hasEnded(pid), 'the workload has ended');
    // It may be for others that are still stopping. init sees both at once, and has to look first.
    init.kill('SIGINT');
    init.kill('SIGCONT');
    expect(await init.exit).toEqual({ code: 6, signal: null });
    expect(init.left()).toEqual([]);
  });

  test('one that double-forks during the grace time', needs('actor'), async () => {
    // Hostile kind 4 starts a daemon on SIGTERM, and the daemon ignores SIGTERM.
    const init = await startMarked({ mode, options: ['--grace', '300ms'], command: [actor, 'hostile', '4'] });
    expect(await init.nextLine()).toBe('ready');
    init.stdin.write('\n');
    expect(await init.exit).toEqual({ code: 5, signal: null });
    expect(init.left()).toEqual([]);
  });

  test('a hostile tree of 200', needs('actor'), async () => {
    const init = await startMarked({
      mode,
      options: ['--grace', '200ms'],
      command: [actor, 'hostile', '200'],
    });
    expect(await init.nextLine()).toBe('ready');
    init.stdin.write('\n');
    expect(await init.exit).toEqual({ code: 5, signal: null });
    expect(init.left()).toEqual([]);
  });
});

describeWith(['namespaces'], 'where /proc shows the processes of another namespace', () => {
  test('init does not wait for what it cannot see', async () => {
    const arguments_ = unshareArguments?.filter((argument) => argument !== '--mount-proc') ?? [];
    // The shell ends once the survivor has left the group, which gets SIGTERM.
    const command = `sh -c 'left=$(setsid sh -c "sleep 1000 >/dev/null &"); exit 3'`;
    const init = ['"$0"', '--grace 50ms', `-- ${command}`];
    const outer = startProcess([
      'unshare',
      ...arguments_,
      'sh',
      '-c',
      `${init.join(' ')}; echo $?`,
      launcher,
    ]);
    expect(await runToEnd(outer)).toMatchObject({
      stdout: '3\n',
      stderr: expect.stringContaining('leaving them behind'),
    });
  });
});

describeWith(['root', 'actor', 'util-linux'], 'where users differ', () => {
  const modes = ['pid1', 'subreaper'] as const;

  /** Not root, but allowed to read a checkout that only root may enter. */
  const asNobody = [
    'setpriv',
    ...['--reuid', '65534', '--regid', '65534', '--clear-groups'],
    ...['--inh-caps', '-all,+dac_read_search', '--ambient-caps', '-all,+dac_read_search'],
    'node',
    launcher,
  ];

  /** An actor that may become root. */
  function setUserIdCopy(): string {
    const folder = mkdtempSync(join(tmpdir(), 'subreaper-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    chmodSync(folder, 0o755);
    const rooted = join(folder, 'rooted');
    copyFileSync(actor, rooted);
    chmodSync(rooted, 0o4755);
    return rooted;
  }

  test.each([
    { where: 'as a plain subreaper', mode: 'subreaper' as const, launch: asNobody },
    {
      where: 'as PID 1 where /proc hides the processes of other users',
      mode: 'pid1' as const,
      launch: ['sh', '-c', 'mount -t proc -o hidepid=2 proc /proc && exec "$@"', 'sh', ...asNobody],
    },
  ])('a signal for a workload that init may not signal is not called forwarded: $where', async (start) => {
    const init = await startMarked({
      ...start,
      options: ['-vv', '--scope', 'tree'],
      command: [setUserIdCopy(), 'root'],
    });
    expect(await init.nextLine()).toBe('ready');
    init.kill('SIGUSR1');
    await until(() => init.stderr().includes('"sent":"SIGUSR1"'), 'init says what became of it');
    expect(init.stderr()).toContain('signal not forwarded');
    expect(init.stderr()).not.toContain('signal forwarded');
  });

  test('a workload that init may not kill is waited for, and not called left behind', async () => {
    const init = await startMarked({
      options: ['--scope', 'tree', '--stop-timeout', '50ms'],
      launch: asNobody,
      command: [setUserIdCopy(), 'root'],
    });
    expect(await init.nextLine()).toBe('ready');
    init.kill('SIGTERM');
    await until(() => init.stderr().includes('not permitted to signal'), 'init has tried');
    expect(init.stderr()).toContain('; waiting for the workload to end');
    expect(init.stderr()).not.toContain('left behind');
    for (const { pid } of childrenOf(init.pid)) signalIfThere(pid, 'SIGKILL');
    expect(await init.exit).toEqual({ code: 137, signal: null });
  });

  test('as PID 1, init does not wait for it beyond --stop-timeout', async () => {
    const init = await startMarked({
      mode: 'pid1',
      options: ['--stop-timeout', '50ms'],
      launch: asNobody,
      command: [setUserIdCopy(), 'root'],
    });
    expect(await init.nextLine()).toBe('ready');
    init.kill('SIGTERM');
    expect(await init.exit).toEqual({ code: 137, signal: null });
    expect(init.left()).toEqual([]);
  });

  test.each(modes)('a survivor that init may not signal does not keep it waiting: %s', async (mode) => {
    const rooted = setUserIdCopy();
    const init = await startMarked({
      mode,
      launch: asNobody,
      // The next run must not start beside it either.
      options: ['--grace', '50ms', '--restart', 'always'],
      command: ['sh', '-c', `${rooted} root & read -r _; exit 3`],
    });
    expect(await init.nextLine()).toBe('ready');
    init.stdin.write('\n');
    expect(await init.exit).toEqual({ code: 3, signal: null });
    expect(init.stderr()).toContain('not permitted to signal');
    // As PID 1, the kernel ends it with the namespace.
    const left = init.left();
    expect(left).toHaveLength(mode === 'pid1' ? 0 : 1);
    for (const { pid } of left) signalIfThere(pid, 'SIGKILL');
  });

  test.each(modes)('a chain that grows at its end while it is being killed: %s', async (mode) => {
    for (let round = 0; round < (isWhole ? 5 : 2); round++) {
      const init = await startMarked({
        mode,
        options: ['--grace', '100ms'],
        command: ['sh', '-c', `${actor} endless & read -r _; exit 5`],
      });
      expect(await init.nextLine()).toBe('ready');
      await until(() => descendantsOf(init.pid).length > 200, 'the chain is long');
      init.stdin.write('\n');
      expect(await init.exit).toEqual({ code: 5, signal: null });
      expect(init.left()).toEqual([]);
    }
  });
});
