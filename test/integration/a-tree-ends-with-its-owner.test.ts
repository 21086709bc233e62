import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { actor, launcher, refuse } from '../helpers/environment.ts';
import { describeWith } from '../helpers/modes.ts';
import { canListen, freePort } from '../helpers/ports.ts';
import {
  childrenOf,
  descendantsOf,
  hasEnded,
  type ProcessStat,
  processStat,
  runningWith,
  until,
} from '../helpers/proc.ts';
import { initCommand, type RunningInit, startProcess } from '../helpers/run-init.ts';
import { startTerminal } from '../helpers/terminal.ts';
import { isWhole } from '../helpers/whole.ts';
import { createRandom } from '../soak/random.mjs';

const app = (name: string) => resolve(import.meta.dirname, '../apps', name);
const node = process.execPath;
let trees = 0;

/** Every process that an owner starts has this in its environment. */
function newMarker(): { marker: string; env: NodeJS.ProcessEnv } {
  const marker = `subreaper-owner-${process.pid}-${++trees}`;
  return { marker, env: { ...process.env, OWNERS_MARKER: marker } };
}

const isGone = (marker: string) => () => runningWith(marker).length === 0;

/** A process that ends loses its memory, and the marker in it, before the kernel closes its descriptors. */
const untilFree = (port: number) => until(() => canListen(port), `port ${port} is free`);

/** How the kernel tells of an owner's end. */
const kernels = [
  ['a pidfd', []],
  ['the parent death signal, where there are no pidfds', [refuse, 'pidfd_open', 'ENOSYS']],
] as const;

/** Starts an owner that owns an actor, and waits until that runs. */
async function startOwner(line: readonly string[], detached = false) {
  const { marker, env } = newMarker();
  const owner = startProcess(line, { env, detached });
  const lines = [await owner.nextLine(), await owner.nextLine()];
  const init = Number(lines.find((text) => text.startsWith('owns'))?.split(' ')[1]);
  return { owner, init, marker };
}

/** A signal that goes through init: whatever came before it, init has dealt with. */
async function expectAlive(owner: RunningInit, init: number): Promise<void> {
  process.kill(init, 'SIGUSR1');
  expect(await lineOfOwner(owner)).toBe('10');
}

/** Without pidfds the end of a thread sends a SIGURG, which is forwarded as any other, at any moment after it. */
async function lineOfOwner(owner: RunningInit): Promise<string> {
  const line = await owner.nextLine();
  return line === '23' ? owner.nextLine() : line;
}

/** Owners that start `subreaper --until-owner`: a shell, and a Node program. Each prints "owns PID". */
const shell = (rest: string) => [
  'sh',
  '-c',
  `"$0" --until-owner --grace 100ms -- "$1" signals & echo "owns $!"; ${rest}`,
  launcher,
  actor,
];
const nodeOwner = [node, app('owner.mjs'), '{"graceMs":100}', actor, 'signals'];

describeWith(['actor', 'refuse'], 'the end of an owner', () => {
  describe.each(kernels)('by %s', (_, under) => {
    test.each([
      ['a shell', shell('wait')],
      ['a Node program', nodeOwner],
    ])('SIGKILL for %s ends the tree', async (_, line) => {
      const { owner, init, marker } = await startOwner([...under, ...line]);
      await expectAlive(owner, init);
      owner.kill('SIGKILL');
      await until(isGone(marker), 'nothing of it runs');
    });

    test('SIGKILL for its whole process group, as of a shell’s job, does not reach init', async () => {
      const { owner, init, marker } = await startOwner([...under, ...nodeOwner], true);
      const [workload] = childrenOf(init);
      expect(workload?.group).toBe(owner.pid);
      await until(() => processStat(init)?.group === init, 'init has left the group');
      process.kill(-owner.pid, 'SIGKILL');
      await until(isGone(marker), 'nothing of it runs');
    });

    test('an owner with a stopped child gets no SIGHUP when the command ends', async () => {
      // The owner leads a session, as in a container or in CI: no shell above keeps its group from becoming orphaned.
      const script = 'sleep 1000 & kill -STOP $!; "$0" --until-owner -- true; echo $?; kill -KILL $!';
      const owner = startProcess([...under, 'setsid', 'sh', '-c', script, launcher]);
      expect(await owner.nextLine()).toBe('0');
      expect(await owner.exit).toEqual({ code: 0, signal: null });
    });

    test('an owner that ends in order is no exception', async () => {
      const { owner, marker } = await startOwner([...under, ...shell('read -r line; exit 0')]);
      owner.stdin.end('\n');
      expect(await owner.exit).toEqual({ code: 0, signal: null });
      await until(isGone(marker), 'nothing of it runs');
    });

    test('an owner that ends before init’s loop turns for the first time: its tree is asked to end', async () => {
      const { marker, env } = newMarker();
      const workload = `init=$PPID; trap 'echo asked; exit' TERM; kill -STOP $init; kill -KILL $1
        while kill -0 $1; do :; done; kill -CONT $init; while :; do sleep 0.1; done`;
      const line = `"$0" --until-owner --grace 1000s -- sh -c "$1" sh $$ & wait`;
      const owner = startProcess([...under, 'sh', '-c', line, launcher, workload], { env });
      expect(await owner.nextLine()).toBe('asked');
      await until(isGone(marker), 'nothing of it runs');
    });

    test('a stop, and an exec, is no end', async () => {
      const { owner, init, marker } = await startOwner([...under, ...shell('read -r line; exec sleep 1000')]);
      owner.kill('SIGSTOP');
      await until(() => processStat(owner.pid)?.state === 'T', 'the owner is stopped');
      await expectAlive(owner, init);
      owner.kill('SIGCONT');
      owner.stdin.write('\n');
      await until(() => processStat(owner.pid)?.name === 'sleep', 'the owner is another program');
      await expectAlive(owner, init);
      owner.kill('SIGKILL');
      await until(isGone(marker), 'nothing of it runs');
    });

    test('the end of the thread that started it is none either', async () => {
      const line = [node, app('worker-owner.mjs'), '{"graceMs":100}', actor, 'signals'];
      const { owner, init, marker } = await startOwner([...under, ...line]);
      owner.stdin.write('\n');
      expect(await lineOfOwner(owner)).toBe('terminated');
      await expectAlive(owner, init);
      expect(processStat(init)?.parent).toBe(owner.pid);
      owner.kill('SIGKILL');
      await until(isGone(marker), 'nothing of it runs');
    });

    test('of two owners, one below the other, the end of the first is the end of both', async () => {
      const { owner, marker } = await startNested(under);
      owner.kill('SIGKILL');
      await until(isGone(marker), 'nothing of it runs');
    });

    test('… and the end of the second is that of its own tree', async () => {
      const { owner, second, marker } = await startNested(under);
      process.kill(second, 'SIGKILL');
      const others = () => runningWith(marker).filter(({ pid }) => pid !== owner.pid);
      await until(() => others().length === 0, 'nothing runs below the first');
      expect(hasEnded(owner.pid)).toBe(false);
    });
  });

  async function startNested(under: readonly string[]) {
    const { marker, env } = newMarker();
    const inner = [node, app('owner.mjs'), '{"graceMs":300}', actor, 'signals'];
    const owner = startProcess([...under, node, app('owner.mjs'), '{"graceMs":300}', ...inner], { env });
    const lines = [await owner.nextLine(), await owner.nextLine(), await owner.nextLine()];
    expect(lines.filter((line) => line.startsWith('ready'))).toHaveLength(1);
    const inits = lines.filter((line) => line.startsWith('owns')).map((line) => Number(line.slice(5)));
    const first = inits.find((pid) => processStat(pid)?.parent === owner.pid) as number;
    // The launcher's fork may still be there. A workload with an owner has no group of its own.
    const second = childrenOf(first).find(({ name }) => name !== 'cat')?.pid as number;
    return { owner, second, marker };
  }

  test('an owner sees the signal that ended the command, and no second core dump', async () => {
    const init = `ulimit -c unlimited; "$0" --until-owner -- sh -c 'ulimit -c 0; kill -ABRT $$'; echo "status $?"`;
    const shell = startProcess(['sh', '-c', init, launcher]);
    expect(await shell.nextLine()).toBe('status 134');
    expect(shell.stderr()).toMatch(/^Aborted\n/m);
    const node = startProcess([launcher, '--until-owner', '--', 'sh', '-c', 'kill $$']);
    expect(await node.exit).toEqual({ code: null, signal: 'SIGTERM' });
  });

  test('… also its own SIGKILL, but not if --remap-exit has another status for it', async () => {
    const ignoring = `trap '' TERM; echo ready; while :; do sleep 0.02; done`;
    const options = ['--until-owner', '--stop-timeout', '50ms'];
    const init = startProcess([launcher, ...options, '--', 'sh', '-c', ignoring]);
    expect(await init.nextLine()).toBe('ready');
    init.kill('SIGTERM');
    expect(await init.exit).toEqual({ code: null, signal: 'SIGKILL' });
    const remapped = startProcess([launcher, ...options, '-e', '143', '--', 'sh', '-c', 'kill $$']);
    expect(await remapped.exit).toEqual({ code: 0, signal: null });
  });

  test('of an owner that has ended before, nothing is started', async () => {
    const env = { ...process.env, SUBREAPER_PARENT: '4194304' };
    const init = startProcess([launcher, '--until-owner', '--', 'echo', 'ran'], { env });
    expect(await init.exit).toEqual({ code: 125, signal: null });
    expect(init.stderr()).toMatch(/^subreaper: cannot start, the owner has ended; [^\n]+\n$/);
    await expect(init.nextLine()).rejects.toThrow('ended');
  });
});

describeWith(['namespaces'], 'an owner that cannot be seen', () => {
  test('is refused with one line', async () => {
    const init = startProcess(initCommand({ mode: 'pid1', options: ['--until-owner'], command: ['true'] }));
    expect(await init.exit).toEqual({ code: 125, signal: null });
    expect(init.stderr()).toMatch(
      /^subreaper: cannot start, the owner is outside this PID namespace; [^\n]+\n$/,
    );
  });
});

describeWith(['script'], 'an owner on a terminal', () => {
  test('ends with the terminal, and its tree with it', async () => {
    const port = await freePort();
    const { marker, env } = newMarker();
    const line = [node, app('owner.mjs'), '{"graceMs":100}', node, app('hard-tree.cjs'), String(port)];
    const terminal = startTerminal(['env', `OWNERS_MARKER=${env['OWNERS_MARKER']}`, ...line]);
    await terminal.shows(/listening/);
    process.kill(terminal.pid, 'SIGKILL');
    await until(isGone(marker), 'nothing of it runs');
    await untilFree(port);
  });

  test('shares it with the command: both read from it, and Ctrl-C reaches both, once', async () => {
    const script = `read -r line; echo "got $line"; trap 'echo command' INT; echo ready; while :; do sleep 0.05; done`;
    const owner = `
      import { spawnBound } from 'subreaper';
      spawnBound('sh', ['-c', ${JSON.stringify(script)}], { stdio: 'inherit', graceMs: 100 });
      process.on('SIGINT', () => console.log('owner'));`;
    const terminal = startTerminal([node, '--input-type=module', '-e', owner]);
    terminal.type('a line\n');
    await terminal.shows(/got a line[\s\S]*ready/);
    // It does so once the workload runs. A Ctrl-C that comes before reaches init too, which passes it on.
    const hasLeft = ({ pid, session, name }: ProcessStat) => name === 'subreaper' && session === pid;
    await until(() => descendantsOf(terminal.pid).some(hasLeft), 'init has left the session');
    for (let round = 0; round < 2; round++) {
      terminal.type('\x03');
      const [seen] = await terminal.shows(/owner\r[\s\S]*command\r|command\r[\s\S]*owner\r/);
      expect(seen.match(/owner|command/g)).toHaveLength(2);
    }
  });
});

describe('an owner that is SIGKILLed at a random moment of the start', () => {
  const rounds = isWhole ? 100 : 12;
  const seed = Number(process.env['OWNER_SEED'] ?? Date.now() % 2 ** 32);
  const graceMs = Number(process.env['OWNER_GRACE_MS'] ?? 500);
  const AT_ONCE = 3;
  /** Some of the moments come after the end of the start. */
  const MOMENTS = 1.5;

  /** The owner leads a process group. */
  function startHardTree(port: number) {
    const { marker, env } = newMarker();
    const options = JSON.stringify({ graceMs });
    const line = [node, app('owner.mjs'), options, node, app('hard-tree.cjs'), String(port)];
    return { marker, owner: startProcess(line, { env, detached: true }) };
  }

  /** How long it takes here and now until the whole tree runs. */
  async function startMs(): Promise<number> {
    const { marker, owner } = startHardTree(await freePort());
    const begun = performance.now();
    const sleeps = () => runningWith(marker).filter(({ name }) => name === 'sleep').length;
    await until(() => sleeps() === 3, 'the tree runs');
    const ms = performance.now() - begun;
    owner.kill('SIGKILL');
    await until(isGone(marker), 'nothing of it runs');
    return ms;
  }

  test(`leaves nothing, and the port is free: ${rounds} of ${rounds}`, { timeout: 3_600_000 }, async () => {
    const random = createRandom(seed);
    // Starts at the same time take longer.
    const longest = Math.max(...(await Promise.all(Array.from({ length: AT_ONCE }, startMs))));
    const endedMs: number[] = [];
    const sizes: number[] = [];

    async function round(): Promise<void> {
      const port = await freePort();
      const { marker, owner } = startHardTree(port);
      await new Promise((wake) => setTimeout(wake, random.between(0, MOMENTS * longest)));
      sizes.push(runningWith(marker).length);
      // The owner alone, or all of its group.
      process.kill(random.pick([owner.pid, -owner.pid]), 'SIGKILL');
      const killed = performance.now();
      await until(isGone(marker), 'nothing of it runs');
      endedMs.push(performance.now() - killed);
      await untilFree(port);
    }

    let left = rounds;
    async function worker(): Promise<void> {
      while (left-- > 0) await round();
    }
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    expect(endedMs).toHaveLength(rounds);
    const slowest = Math.round(Math.max(...endedMs));
    console.log(
      `owners killed: ${rounds} within ${Math.round(MOMENTS * longest)} ms of their start, with ` +
        `${Math.min(...sizes)} to ${Math.max(...sizes)} processes; the last was gone ${slowest} ms later ` +
        `(grace ${graceMs} ms; seed: OWNER_SEED=${seed})`,
    );
  });
});
