import { constants } from 'node:os';
import { describe, expect, test } from 'vitest';
import { detectLibc } from '../../src/native/libc.ts';
import { realTimeRange } from '../../src/signals/signal-names.ts';
import {
  comparable,
  describePrograms,
  type Program,
  type Subject,
  subjectsOf,
  subreaper,
} from '../helpers/drop-in.ts';
import { actor, launcher, unshareArguments } from '../helpers/environment.ts';
import { describeWith } from '../helpers/modes.ts';
import { childrenOf, hasEnded, type ProcessStat, processStat, statusField, until } from '../helpers/proc.ts';
import { type Mode, type RunningInit, runToEnd, startInit, startProcess } from '../helpers/run-init.ts';
import { CTRL_C, initOnTerminal } from '../helpers/terminal.ts';

/** One conformance table for each program: the same call of it, and of subreaper under its name. */

const modes: readonly Mode[] = unshareArguments === undefined ? ['subreaper'] : ['subreaper', 'pid1'];
const sh = (script: string) => ['sh', '-c', script];

interface Call {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** What follows the options, behind "--". */
  readonly command?: readonly string[];
  readonly code: number;
}

const calls: Readonly<Record<Program, readonly Call[]>> = {
  tini: [
    { args: ['--version'], code: 0 },
    { args: ['-h'], code: 0 },
    { args: ['-v', '-h', '-x'], code: 0 },
    { args: ['-h', '-p', 'FOO'], code: 0 },
    { args: ['-x', '-h'], code: 1 },
    { args: ['--version', 'true'], code: 1 },
    { args: ['--versio'], code: 1 },
    { args: ['-s', '-'], code: 127 },
    { args: ['-s', '--', '--', 'true'], code: 127 },
    { args: ['-s=3', 'true'], code: 1 },
    { args: [], code: 1 },
    { args: ['-s', '--'], code: 1 },
    { args: ['-x', 'true'], code: 1 },
    { args: ['--yolo'], code: 1 },
    { args: ['-s', '--version'], code: 1 },
    { args: ['-p'], code: 1 },
    { args: ['-p', 'FOO', 'true'], code: 1 },
    { args: ['-p', 'TERM', 'true'], code: 1 },
    { args: ['-p', '15', 'true'], code: 1 },
    ...['SIGRTMIN', 'SIGCLD', 'SIGIO', 'SIGIOT', 'SIGPOLL', 'SIGPWR', 'SIGSTKFLT'].map((signal) => ({
      args: ['-p', signal, 'true'],
      code: 1,
    })),
    { args: ['-s', '-pSIGSYS', 'true'], code: 0 },
    { args: ['-s', '-p', 'SIGUSR1'], command: sh('exit 3'), code: 3 },
    { args: ['-e', '256', 'true'], code: 1 },
    { args: ['-e', '-1', 'true'], code: 1 },
    { args: ['-e', 'abc', 'true'], code: 1 },
    { args: ['-e', '3x', 'true'], code: 1 },
    { args: ['-e', '0x3', 'true'], code: 1 },
    { args: ['-e', '\u00a03', 'true'], code: 1 },
    { args: ['-e', '4', '-e', '256', 'true'], code: 1 },
    { args: ['-s', '-e', '', '-e', ' 3'], command: sh('exit 3'), code: 0 },
    { args: ['-s', '-e', '3', '-e', '4'], command: sh('exit 4'), code: 0 },
    { args: ['-s', '-e3'], command: sh('exit 4'), code: 4 },
    { args: ['-sge3'], command: sh('exit 3'), code: 0 },
    { args: ['-s', '-e', '137'], command: sh('kill -9 $$'), code: 0 },
    { args: ['-s'], command: sh('kill -9 $$'), code: 137 },
    { args: ['-s'], command: sh('exit 255'), code: 255 },
    { args: ['-s'], command: ['no-such-command'], code: 127 },
    { args: ['-s'], command: [''], code: 127 },
    { args: ['-s'], command: ['/etc/passwd'], code: 126 },
    { args: ['-s'], command: ['/tmp'], code: 126 },
    { args: ['-s'], command: ['/etc/passwd/x'], code: 1 },
    { args: ['-s', '-e', '127'], command: ['no-such-command'], code: 0 },
    { args: ['-s', '-e', '126'], command: ['/etc/passwd'], code: 0 },
    { env: { TINI_VERBOSITY: '0' }, args: ['-s'], command: ['no-such-command'], code: 127 },
    // Neither PID 1 nor a subreaper: it warns, unless it is told not to.
    { command: ['true'], code: 0 },
    { env: { TINI_VERBOSITY: '0' }, command: ['true'], code: 0 },
    { env: { TINI_VERBOSITY: 'abc' }, command: ['true'], code: 0 },
    { env: { TINI_VERBOSITY: '1' }, command: ['true'], code: 0 },
    { env: { TINI_SUBREAPER: '' }, command: ['true'], code: 0 },
    { args: ['-s', '-v'], command: ['true'], code: 0 },
    { args: ['-svv'], command: sh('exit 3'), code: 3 },
    { args: ['-svvv'], command: sh('kill -TERM $$'), code: 143 },
    // It takes the number for an unsigned int.
    ...['4', '3', ' 2x', '+2', '-1', '4294967298'].map((verbosity) => ({
      env: { TINI_VERBOSITY: verbosity },
      args: ['-s'],
      command: ['true'],
      code: 0,
    })),
    { args: ['-svvvvv'], command: ['true'], code: 0 },
    { env: { TINI_VERBOSITY: '2' }, args: ['-svvv'], command: ['true'], code: 0 },
    // glibc's getopt takes options behind the program too.
    { args: ['-s', 'echo', '-v', 'hi'], code: 0 },
    // musl's getopt(3) takes no option behind an operand.
    { args: ['-s', 'echo', '-x', 'hi'], code: detectLibc() === 'musl' ? 0 : 1 },
    { args: ['-s', 'echo', '-h'], code: 0 },
    { args: ['-s', 'echo', '--', '-h'], code: 0 },
    { env: { POSIXLY_CORRECT: '1' }, args: ['-s', 'echo', '-v', 'hi'], code: 0 },
  ],
  'dumb-init': [
    { args: ['-V'], code: 0 },
    { args: ['--version'], code: 0 },
    { args: ['--vers'], code: 0 },
    { args: ['-h'], code: 0 },
    { args: ['--help', '--yolo'], code: 0 },
    { args: ['-hV'], code: 0 },
    { args: ['-V', '-r', 'bad'], code: 0 },
    { args: ['-r', 'bad', '-V'], code: 1 },
    { args: [], code: 1 },
    { args: ['-c', '--'], code: 1 },
    { args: ['-x', 'true'], code: 1 },
    { args: ['--yolo', 'true'], code: 1 },
    { args: ['--yolo=3'], code: 1 },
    { args: ['--ver'], code: 1 },
    { args: ['--version=3'], code: 1 },
    { args: ['--single-child=1', 'true'], code: 1 },
    { args: ['--rewrite=15:2', '--s', 'true'], code: 0 },
    { args: ['-cr15:2', 'true'], code: 0 },
    { args: ['-'], code: 2 },
    { args: ['--', '-c'], code: 2 },
    { args: ['-r'], code: 1 },
    { args: ['--rewrite'], code: 1 },
    ...[
      '',
      ':2',
      '15:',
      '\u00a015:2',
      '4294967296:2',
      'herp',
      'herp:derp',
      '15',
      '15::12',
      '15:derp',
      '1:32',
      '0:15',
      '32:1',
      '15:-1',
      'TERM:2',
    ].map((rewriting) => ({ args: ['-r', rewriting], command: ['true'], code: 1 })),
    ...['15:-0', '4294967311:2', '15:2x', ' 15:2', '15: 2', '+15:+2', '9:2', '15:31', '15:0'].map(
      (rewriting) => ({
        args: ['--rew', rewriting],
        command: ['true'],
        code: 0,
      }),
    ),
    { command: sh('exit 3'), code: 3 },
    { args: ['-c'], command: sh('exit 255'), code: 255 },
    { command: sh('kill -9 $$'), code: 137 },
    { command: sh('kill -HUP $$'), code: 129 },
    { command: ['no-such-command'], code: 2 },
    { args: ['--single-child'], command: ['no-such-command'], code: 2 },
    { command: [''], code: 2 },
    { command: ['/etc/passwd'], code: 2 },
    { command: ['/tmp'], code: 2 },
    { command: ['/etc/passwd/x'], code: 2 },
    { args: ['-v'], command: ['true'], code: 0 },
    { args: ['-v'], command: sh('kill -9 $$'), code: 137 },
    { args: ['-vc'], command: sh('exit 3'), code: 3 },
    { args: ['--verbose', '--single-child'], command: ['true'], code: 0 },
    { env: { DUMB_INIT_DEBUG: '1' }, command: ['true'], code: 0 },
    { env: { DUMB_INIT_DEBUG: '0' }, command: ['true'], code: 0 },
    { env: { DUMB_INIT_DEBUG: 'yes' }, command: ['true'], code: 0 },
    { env: { DUMB_INIT_DEBUG: '1' }, args: ['-c'], command: ['true'], code: 0 },
    { env: { DUMB_INIT_DEBUG: '1' }, args: ['-x'], code: 1 },
    { env: { DUMB_INIT_DEBUG: '1', DUMB_INIT_SETSID: '0' }, command: ['true'], code: 0 },
    { env: { DUMB_INIT_DEBUG: '1', DUMB_INIT_SETSID: '1' }, command: ['true'], code: 0 },
    { env: { DUMB_INIT_DEBUG: '1', DUMB_INIT_SETSID: 'no' }, command: ['true'], code: 0 },
    { args: ['echo', '-v', 'hi'], code: 0 },
    // init, told so by the workload.
    {
      args: ['-v', '-r', '15:2'],
      // A shell's job in the background ignores SIGINT, and holds the output open until it ends.
      command: sh('trap "exit 3" INT; kill -TERM $PPID; sleep 3 & wait'),
      code: 3,
    },
    // It does not tell of an orphan that ends after its command.
    { args: ['-v'], command: sh('sleep 60 & kill -9 0'), code: 137 },
  ],
  catatonit: [
    { args: ['-V'], code: 0 },
    { args: ['--version'], code: 0 },
    { args: ['--vers'], code: 0 },
    { args: ['-gV'], code: 0 },
    { args: ['-PV'], code: 0 },
    { args: ['-hV'], code: 0 },
    { args: ['-V', '-x'], code: 0 },
    { args: ['-x', '-V'], code: 1 },
    { args: ['-P', '-x'], code: 1 },
    { args: ['true', '-V'], code: 0 },
    { args: ['-'], code: 1 },
    { args: ['--', '-g'], code: 1 },
    { args: ['-h'], code: 0 },
    { args: [], code: 1 },
    { args: ['-g', '--'], code: 1 },
    { args: ['-x', 'true'], code: 1 },
    { args: ['--help'], code: 1 },
    { args: ['--yolo', 'true'], code: 1 },
    { args: ['--version=2'], code: 1 },
    { args: ['echo', '-g', 'hi'], code: 0 },
    { args: ['echo', '-x'], code: 1 },
    { env: { POSIXLY_CORRECT: '1' }, args: ['echo', '-g', 'hi'], code: 0 },
    { command: sh('exit 3'), code: 3 },
    { args: ['-g'], command: sh('exit 255'), code: 255 },
    { command: sh('kill -9 $$'), code: 137 },
    { command: ['no-such-command'], code: 1 },
    { command: ['/etc/passwd'], code: 1 },
    { command: ['/tmp'], code: 1 },
    { command: [''], code: 1 },
  ],
  'docker-init': [
    { args: ['--version'], code: 0 },
    { args: ['-h'], code: 0 },
    { args: ['-x'], code: 1 },
    { args: ['-s'], command: ['no-such-command'], code: 127 },
    { args: ['-s', '-e', '3'], command: sh('exit 3'), code: 0 },
    { command: sh('exit 4'), code: 4 },
  ],
};

/** The same in the program and in subreaper. */
async function expectSame<Seen>(
  subjects: readonly Subject[],
  observe: (subject: Subject) => Promise<Seen>,
): Promise<Seen> {
  let first: { seen: Seen } | undefined;
  for (const subject of subjects) {
    const seen = await observe(subject);
    first ??= { seen };
    expect(seen, subject.name).toEqual(first.seen);
  }
  return (first as { seen: Seen }).seen;
}

const environment = ({ path }: Subject, env: Call['env'] = {}) => ({ ...process.env, PATH: path, ...env });

describePrograms(['tini', 'dumb-init', 'catatonit', 'docker-init'], (program, subjects) => {
  describe.each(modes)('called as %s', (mode) => {
    test.each(calls[program])('$env $args $command: $code', async ({ args = [], env, command, code }) => {
      const seen = await expectSame(subjects, async (subject) => {
        const line = [program, ...args, ...(command === undefined ? [] : ['--', ...command])];
        const namespace = mode === 'pid1' ? ['unshare', ...(unshareArguments ?? []), '--'] : [];
        const exit = await runToEnd(
          startProcess([...namespace, ...line], { env: environment(subject, env) }),
        );
        return { code: exit.code, stdout: comparable(exit.stdout), stderr: comparable(exit.stderr) };
      });
      expect(seen.code).toBe(code);
    });
  });
});

const everyNamed = Array.from({ length: 31 }, (_, index) => index + 1);
const faults = [4, 5, 6, 7, 8, 11, 31];
const [SIGCHLD, SIGCONT, SIGUSR1, SIGUSR2, SIGRTMAX] = [17, 18, 10, 12, 64];
const SIGRTMIN: number = realTimeRange().first;
const uncatchable = [9, 19];
const suspending = [20, 21, 22];
const except = (...left: number[]) =>
  everyNamed.filter((n) => ![...uncatchable, SIGCHLD, ...left].includes(n));

/** A start with the workload's first line read. */
async function start(
  subject: Subject,
  [program, ...args]: readonly [Program, ...string[]],
  mode: Mode,
  command: readonly string[] = [actor, 'signals'],
  variables: Call['env'] = {},
): Promise<{ init: RunningInit; workload: ProcessStat }> {
  const env = environment(subject, variables);
  const init = await startInit({ mode, launch: [program], options: args, command, spawn: { env } });
  expect(await init.nextLine()).toMatch(/^ready/);
  const [workload] = childrenOf(init.pid).filter(({ name }) => name !== 'cat');
  return { init, workload: workload as ProcessStat };
}

/** Whether init takes its signals: it catches or blocks SIGHUP, the first one, and waits. */
function isReady(pid: number): boolean {
  const has = (field: string) => BigInt(`0x${statusField(pid, field) || 0}`) & 1n;
  return processStat(pid)?.state === 'S' && (has('SigCgt') === 1n || has('SigBlk') === 1n);
}

const isPending = (pid: number, signal: number) =>
  (BigInt(`0x${statusField(pid, 'ShdPnd') || 0}`) >> BigInt(signal - 1)) & 1n;

/** What a signal to init does: what the workload receives, and whether init stops. */
async function effectOf(init: RunningInit, signal: number, isDropped: boolean): Promise<unknown> {
  init.kill(signal);
  if (!isDropped) return Number(await init.nextLine());
  // Of those that are not forwarded, nothing comes before the next one that is.
  await until(() => !isPending(init.pid, signal), `init has taken ${signal}`);
  init.kill(SIGRTMIN);
  expect(Number(await init.nextLine())).toBe(SIGRTMIN);
  return 'nothing';
}

interface Forwarding {
  readonly args?: readonly string[];
  readonly forwarded: readonly number[];
  readonly dropped: readonly number[];
  /** These end init, as they end any program that does not catch them. */
  readonly deadly: readonly number[];
}

const forwarding: Readonly<Record<Program, readonly Forwarding[]>> = {
  tini: [
    {
      args: ['-s'],
      forwarded: [...except(21, 22, ...faults), SIGRTMIN, 40, 64],
      dropped: [21, 22],
      deadly: faults,
    },
  ],
  'docker-init': [
    { args: ['-s', '-g'], forwarded: [...except(21, 22, ...faults)], dropped: [21, 22], deadly: [] },
  ],
  'dumb-init': [
    { forwarded: [...except(...suspending), SIGRTMIN, 40, 64], dropped: [], deadly: [] },
    { args: ['-c'], forwarded: [...except(...suspending), SIGRTMIN, 40, 64], dropped: [], deadly: [] },
  ],
  catatonit: [
    {
      forwarded: [...except(...suspending, ...faults), SIGRTMIN, 40, 64],
      dropped: suspending,
      deadly: faults,
    },
    { args: ['-g'], forwarded: except(...suspending, ...faults), dropped: suspending, deadly: [] },
  ],
};

interface Reach {
  readonly call: readonly [Program, ...string[]];
  readonly env?: Call['env'];
  readonly reaches: 'the workload' | 'its group';
}

interface Adoption {
  readonly call: readonly [Program, ...string[]];
  readonly env?: Call['env'];
  readonly adopts: boolean;
}

describeWith(['actor'], 'called by the name of a program', () => {
  describePrograms(['tini', 'dumb-init', 'catatonit', 'docker-init'], (program, subjects) => {
    describe.each(modes)('as %s', (mode) => {
      test.each(forwarding[program])('of %o', async ({ args = [], forwarded, dropped, deadly }) => {
        await expectSame(subjects, async (subject) => {
          const { init, workload } = await start(subject, [program, ...args], mode);
          const seen: unknown[] = [];
          for (const signal of [...forwarded, ...dropped]) {
            seen.push([signal, await effectOf(init, signal, dropped.includes(signal))]);
          }
          expect(seen).toEqual([
            ...forwarded.map((signal) => [signal, signal]),
            ...dropped.map((signal) => [signal, 'nothing']),
          ]);
          process.kill(workload.pid, 'SIGKILL');
          expect(await init.exit, subject.name).toMatchObject({ code: 137 });
          return seen;
        });
        for (const signal of mode === 'pid1' ? [] : deadly) {
          const end = await expectSame(subjects, async (subject) => {
            const { init, workload } = await start(subject, [program, ...args], mode);
            init.kill(signal);
            const { code, signal: by } = await init.exit;
            process.kill(workload.pid, 'SIGKILL');
            return { code, by: by === null ? null : constants.signals[by] };
          });
          expect(end).toEqual({ code: null, by: signal });
        }
      });
    });
  });

  describePrograms(['dumb-init'], (program, subjects) => {
    test('it tells of a signal that it does not forward', async () => {
      const told = await expectSame(subjects, async (subject) => {
        const { init, workload } = await start(subject, [program, '-v', '-r', '10:0'], 'subreaper');
        init.kill(SIGUSR1);
        await until(() => init.stderr().includes('Not forwarding signal 0'), 'it has told of it');
        process.kill(workload.pid, 'SIGKILL');
        await until(() => init.stderr().includes('Goodbye'), 'it has told of its end');
        return comparable(init.stderr());
      });
      expect(told).toContain('[dumb-init] Translating signal 10 to 0.');
    });

    test.each([
      { args: [], reaches: 'T' },
      { args: ['-c'], reaches: 'signal' },
      { args: ['-r', '20:15', '-r', '21:15', '-r', '22:15'], reaches: 'SIGTERM' },
      { args: ['-r', '20:0', '-r', '21:0', '-r', '22:0'], reaches: 'nothing' },
    ])('job control suspends it, with $args: $reaches', async ({ args, reaches }) => {
      await expectSame(subjects, async (subject) => {
        const { init, workload } = await start(subject, [program, ...args], 'subreaper');
        const state = (pid: number) => processStat(pid)?.state;
        for (const signal of suspending) {
          init.kill(signal);
          await until(() => state(init.pid) === 'T', 'init is stopped');
          if (reaches === 'T') await until(() => state(workload.pid) === 'T', 'so is the workload');
          if (reaches === 'signal') expect(await init.nextLine()).toBe(`${signal}`);
          if (reaches === 'SIGTERM') expect(await init.nextLine()).toBe('15');
          init.kill(SIGCONT);
          expect(await init.nextLine()).toBe(`${SIGCONT}`);
          expect(state(init.pid)).not.toBe('T');
        }
      });
    });
  });

  test('dumb-init: a fault of its first thread ends it, since that thread blocks what it handles', async () => {
    const { init, workload } = await start(subreaper, ['dumb-init'], 'subreaper');
    const blocked = BigInt(`0x${statusField(init.pid, 'SigBlk')}`);
    expect(faults.filter((signal) => ((blocked >> BigInt(signal - 1)) & 1n) === 0n)).toEqual([]);
    process.kill(workload.pid, 'SIGKILL');
    expect(await init.exit).toMatchObject({ code: 137 });
  });

  test.each([
    { call: ['tini', '-s'], reaches: 'the workload' },
    { call: ['tini', '-s', '-g'], reaches: 'its group' },
    { call: ['tini', '-s'], env: { TINI_KILL_PROCESS_GROUP: '' }, reaches: 'its group' },
    { call: ['dumb-init'], reaches: 'its group' },
    { call: ['dumb-init', '-c'], reaches: 'the workload' },
    { call: ['dumb-init'], env: { DUMB_INIT_SETSID: '0' }, reaches: 'the workload' },
    { call: ['catatonit'], reaches: 'the workload' },
    { call: ['catatonit', '-g'], reaches: 'its group' },
  ] as readonly Reach[])('$call $env: a signal reaches $reaches', async ({ call, env, reaches }) => {
    const [program, ...args] = call;
    for (const subject of subjectsOf(program)) {
      // Two actors and the shell, which is the workload.
      const script = 'trap "echo shell" USR1; "$0" signals & "$0" signals & while :; do wait; done';
      const command = ['sh', '-c', script, actor];
      const { init, workload } = await start(subject, [program, ...args], 'subreaper', command, env);
      expect(await init.nextLine()).toMatch(/^ready/);
      init.kill(SIGUSR1);
      const lines = [await init.nextLine()];
      for (const child of childrenOf(workload.pid)) process.kill(child.pid, SIGUSR2);
      const isOver = () =>
        lines.includes('shell') && lines.filter((line) => line === `${SIGUSR2}`).length === 2;
      while (!isOver()) lines.push(await init.nextLine());
      const group = reaches === 'its group' ? [`${SIGUSR1}`, `${SIGUSR1}`] : [];
      expect(lines.sort(), subject.name).toEqual([...group, `${SIGUSR2}`, `${SIGUSR2}`, 'shell'].sort());
    }
  });

  test.each([
    { call: ['tini', '-s'], leads: 'a group' },
    { call: ['dumb-init'], leads: 'a session' },
    { call: ['dumb-init', '-c'], leads: 'nothing' },
    { call: ['catatonit'], leads: 'a group' },
    { call: ['docker-init', '-s'], leads: 'a group' },
  ] as const)('$call: the workload leads $leads', async ({ call, leads }) => {
    const [program, ...args] = call;
    for (const subject of subjectsOf(program)) {
      const { init, workload } = await start(subject, [program, ...args], 'subreaper');
      const own = processStat(init.pid) as ProcessStat;
      expect([workload.group, workload.session], subject.name).toEqual([
        leads === 'nothing' ? own.group : workload.pid,
        leads === 'a session' ? workload.pid : own.session,
      ]);
    }
  });

  test.each([
    { call: ['tini', '-s'], gets: [] },
    { call: ['dumb-init'], gets: ['15'] },
    { call: ['dumb-init', '-r', '15:2'], gets: ['2'] },
    { call: ['dumb-init', '-r', '15:0'], gets: [] },
    { call: ['dumb-init', '-c'], gets: [] },
    { call: ['catatonit'], gets: [] },
  ] as const)('$call: what the workload leaves gets $gets and lives on', async ({ call, gets }) => {
    const [program, ...args] = call;
    for (const subject of subjectsOf(program)) {
      const command = ['sh', '-c', '"$0" signals & read line; exit 7', actor];
      const { init, workload } = await start(subject, [program, ...args], 'subreaper', command);
      const [left] = childrenOf(workload.pid);
      init.stdin.write('\n');
      expect(await init.exit, subject.name).toMatchObject({ code: 7 });
      const pid = (left as ProcessStat).pid;
      // Of several, the actor takes the lowest first.
      process.kill(pid, SIGRTMAX);
      const lines: string[] = [];
      while (lines.at(-1) !== `${SIGRTMAX}`) lines.push(await init.nextLine());
      process.kill(pid, 'SIGKILL');
      expect(lines, subject.name).toEqual([...gets, `${SIGRTMAX}`]);
      await until(() => hasEnded(pid), 'it has ended');
    }
  });

  describeWith(['namespaces'], 'as PID 1', () => {
    test.each([['tini'], ['dumb-init'], ['dumb-init', '-c'], ['catatonit']] as const)(
      '%s %s: nothing is left',
      async (...call) => {
        const [program, ...args] = call.filter((word) => word !== undefined) as [Program, ...string[]];
        for (const subject of subjectsOf(program)) {
          const command = ['sh', '-c', '"$0" signals & read line; exit 7', actor];
          const { init, workload } = await start(subject, [program, ...args], 'pid1', command);
          const [left] = childrenOf(workload.pid);
          init.stdin.write('\n');
          expect(await init.exit, subject.name).toMatchObject({ code: 7 });
          expect(hasEnded((left as ProcessStat).pid)).toBe(true);
        }
      },
    );
  });

  test.each([
    { call: ['tini', '-s'], adopts: true },
    { call: ['tini'], adopts: false },
    { call: ['tini'], env: { TINI_SUBREAPER: '' }, adopts: true },
    { call: ['dumb-init'], adopts: false },
    { call: ['catatonit'], adopts: true },
  ] as readonly Adoption[])(
    '$call $env: orphans come to it: $adopts',
    async ({ call, env: variables, adopts }) => {
      const [program, ...args] = call;
      for (const subject of subjectsOf(program)) {
        // A shell waits for its command substitution: by then the orphan has another parent.
        const script = 'orphan=$(sleep 600 >/dev/null & echo $!); echo "ready $orphan"; read line';
        const env = environment(subject, variables);
        const mode = 'subreaper';
        const init = await startInit({
          mode,
          launch: [program],
          options: args,
          command: ['sh', '-c', script],
          spawn: { env },
        });
        const orphan = Number((await init.nextLine()).replace('ready ', ''));
        const isAdopted = childrenOf(init.pid).some(({ pid }) => pid === orphan);
        process.kill(orphan, 'SIGKILL');
        expect(isAdopted, subject.name).toBe(adopts);
      }
    },
  );

  test.each([
    { call: ['tini', '-s', '-w'], line: /Reaped zombie process with pid=\d+\n/g },
    { call: ['dumb-init', '-v'], line: /A child with PID \d+ exited with exit status 0\.\n/g },
  ] as const)('$call: it tells of each orphan', async ({ call, line }) => {
    const [program, ...args] = call;
    for (const subject of subjectsOf(program)) {
      const command = [actor, 'orphans', '3'];
      const env = environment(subject);
      const mode = modes.at(-1) as Mode;
      const init = await startInit({ mode, launch: [program], options: args, command, spawn: { env } });
      expect(await init.nextLine()).toBe('done');
      await until(() => init.stderr().match(line)?.length === 3, `${subject.name} tells of three`);
      init.kill('SIGTERM');
      expect(await init.exit).toMatchObject({ code: 143 });
    }
  });

  test.each(['tini', 'docker-init'] as const)(
    '%s -p: the signal comes when its parent dies',
    async (program) => {
      for (const subject of subjectsOf(program)) {
        const script = `"$0" -s -p SIGUSR1 -- ${actor} signals & read line`;
        const parent = startProcess(['sh', '-c', script, program], { env: environment(subject) });
        expect(await parent.nextLine()).toMatch(/^ready/);
        const [init] = childrenOf(parent.pid);
        parent.kill('SIGKILL');
        expect(await parent.nextLine(), subject.name).toBe(`${SIGUSR1}`);
        const { pid } = init as ProcessStat;
        const [workload] = childrenOf(pid);
        process.kill((workload as ProcessStat).pid, 'SIGKILL');
        await until(() => hasEnded(pid), 'init has ended');
      }
    },
  );

  describePrograms(['catatonit'], (program, subjects) => {
    test.each(modes)('-P pauses until SIGINT or SIGTERM, as %s', async (mode) => {
      for (const subject of subjects) {
        for (const signal of ['SIGINT', 'SIGTERM'] as const) {
          const env = environment(subject);
          const namespace = mode === 'pid1' ? ['unshare', ...(unshareArguments ?? []), '--'] : [];
          const paused = startProcess([...namespace, program, '-P', 'no-such-command'], { env });
          const pid = await until(
            () => (mode === 'pid1' ? childrenOf(paused.pid)[0]?.pid : paused.pid),
            'it has started',
          );
          // It takes signals by now: neither of these ends it.
          await until(() => isReady(pid), 'it is ready');
          for (const other of ['SIGHUP', 'SIGQUIT', 'SIGUSR1'] as const) process.kill(pid, other);
          process.kill(pid, signal);
          expect(await paused.exit, subject.name).toEqual({ code: 0, signal: null });
        }
      }
    });
  });

  describeWith(['script'], 'on a terminal', () => {
    test.each([['tini', '-s'], ['dumb-init'], ['dumb-init', '-c'], ['catatonit']] as const)(
      '%s %s: the workload has it, and gets Ctrl-C',
      async (...call) => {
        const [program, ...args] = call.filter((word) => word !== undefined) as [Program, ...string[]];
        for (const subject of subjectsOf(program)) {
          const script = `trap 'echo "interrupted"; exit 9' INT; : </dev/tty && echo "it has it"; while :; do sleep 0.1; done`;
          const terminal = initOnTerminal({
            launch: ['env', `PATH=${subject.path}`, program],
            options: args,
            command: ['sh', '-c', script],
          });
          await terminal.shows(/it has it/);
          terminal.type(CTRL_C);
          await terminal.shows(/interrupted/);
          expect(await terminal.exit, subject.name).toMatchObject({ code: 9 });
        }
      },
    );

    test('dumb-init does not forward what the terminal’s hand-over sends', async () => {
      for (const subject of subjectsOf('dumb-init')) {
        const terminal = initOnTerminal({
          launch: ['env', `PATH=${subject.path}`, 'dumb-init'],
          options: ['-v'],
          command: ['sh', '-c', 'echo is-running; read line; exit 6'],
        });
        await terminal.shows(
          /Detached from controlling tty, ignoring the first SIGHUP and SIGCONT we receive/,
        );
        await terminal.shows(/Ignoring tty hand-off signal (1|18)/);
        await terminal.shows(/Ignoring tty hand-off signal (1|18)/);
        terminal.type('\n');
        await terminal.shows(/Child exited with status 6\. Goodbye/);
      }
    });
  });
});

describe('subreaper', () => {
  test.each([
    { args: ['--dialect', 'tini', '-g'], says: '[WARN  tini (' },
    { args: ['--dialect=dumb-init', '-cv'], says: '[dumb-init] Child exited with status 3. Goodbye.' },
    { args: ['--log-level', 'info', '--dialect', 'tini'], says: '"msg":"workload ended"' },
  ])('$args', async ({ args, says }) => {
    const exit = await runToEnd(startProcess([launcher, ...args, '--', 'sh', '-c', 'exit 3'], {}));
    expect(exit.code).toBe(3);
    expect(exit.stderr).toContain(says);
  });

  test('SUBREAPER_OPTIONS changes what a dialect does', async () => {
    const env = environment(subreaper, { SUBREAPER_OPTIONS: '--remap-exit 3:4 --log-level info' });
    const exit = await runToEnd(startProcess(['tini', '-s', '--', 'sh', '-c', 'exit 3'], { env }));
    expect(exit).toMatchObject({ code: 4, stderr: expect.stringContaining('"msg":"workload ended"') });
  });

  test.each([
    ['tini', '-l'],
    ['catatonit', '-L'],
  ] as const)('%s %s shows its own licence', async (...line) => {
    const exit = await runToEnd(startProcess(line, { env: environment(subreaper) }));
    expect(exit).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('MIT License') });
  });

  // docker info and the start of the engine read it as "tini version X - Y".
  test.each([
    ['tini', '--version', /^tini version 0\.19\.0 - subreaper [\d.]+\n$/],
    ['docker-init', '--version', /^tini version 0\.19\.0 - subreaper [\d.]+\n$/],
    ['catatonit', '-V', /^tini version 0\.1\.7_catatonit - subreaper [\d.]+\n$/],
  ])('%s %s has the form that the engine reads', async (program, option, form) => {
    const exit = await runToEnd(startProcess([program, option], { env: environment(subreaper) }));
    expect(exit).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(form) });
  });

  test('tini-static is tini', async () => {
    const exit = await runToEnd(startProcess(['tini-static', '-h'], { env: environment(subreaper) }));
    expect(exit.stdout).toMatch(
      /^tini-static \(tini version 0\.19\.0 - subreaper [\d.]+\)\nUsage: tini-static /,
    );
  });
});
