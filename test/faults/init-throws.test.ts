import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readOrNothing } from '../../src/process-tree/read-or-nothing.ts';
import { actor, launcher, refuse } from '../helpers/environment.ts';
import { describeModes, describeWith } from '../helpers/modes.ts';
import { needs, type Part } from '../helpers/needs.ts';
import {
  childrenOf,
  descendantsOf,
  hasEnded,
  type ProcessStat,
  processStat,
  until,
} from '../helpers/proc.ts';
import { type Mode, type RunningInit, startInit, startProcess } from '../helpers/run-init.ts';
import { CTRL_Z, expectStatus, startTerminal } from '../helpers/terminal.ts';

const root = resolve(import.meta.dirname, '../..');
const seam = join(root, 'test/helpers/throw-in-handler.cjs');

/** One of init's event handlers, and how it is made to run. */
interface Handler {
  readonly name: string;
  /** THROW_IN of the seam. */
  readonly handler: string;
  /** More of the seam's variables. */
  readonly env?: Readonly<Record<string, string>>;
  readonly options?: readonly string[];
  /** What starts init, in front of its options. */
  readonly launch?: readonly string[];
  /** The workload and the other process do not end on SIGTERM. */
  readonly isStubborn?: true;
  readonly act?: (init: RunningInit) => void | Promise<void>;
  readonly parts?: readonly Part[];
  /** What init says. */
  readonly says?: readonly string[];
}

const temporaryFolder = (): string => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'subreaper-')));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
};

const workloadOf = (init: RunningInit) =>
  (childrenOf(init.pid).find(({ name }) => name === 'sh') as { pid: number }).pid;
const endWorkload = (init: RunningInit) => void process.kill(workloadOf(init), 'SIGKILL');
const send = (signal: NodeJS.Signals) => (init: RunningInit) => {
  try {
    init.kill(signal);
  } catch (error) {
    // Something that init does without a signal has thrown already.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
};

/** Its tracer keeps the zombie until init watches for the reaping: a poll of EPOLLRDHUP (and EPOLLHUP, EPOLLERR), epoll_ctl(2). */
async function endTracedWorkload(init: RunningInit): Promise<void> {
  const workload = workloadOf(init);
  const tracer = startProcess([actor, 'hold', `${workload}`]);
  expect(await tracer.nextLine()).toBe('holds');
  process.kill(workload, 'SIGKILL');
  const folder = `/proc/${init.pid}/fdinfo`;
  // A descriptor may be closed meanwhile.
  const isWatched = (file: string) =>
    /^tfd:.*events:\s+2018\b/m.test(readOrNothing(`${folder}/${file}`) ?? '');
  await until(() => readdirSync(folder).some(isWatched), 'init watches for the reaping');
  tracer.stdin.write('\n');
  await tracer.exit;
}

const thrown = (init: RunningInit) =>
  until(() => init.stderr().includes('a handler threw'), 'the handler throws');

const fails = 'init failed; ending the workload';
const endsAtOnce = 'init failed; exiting';
const soon = ['--grace', '10ms'];
/** init waits for its children, and the kernel does not reap. */
const waits = ['--log-level', 'debug'];
const lost = { THROW_AT: 'start' };
const timer = 'timeout:fired = name';
const untilInputEnds = {
  handler: 'poll:end()',
  options: ['--until-stdin-closes'],
  act: (init: RunningInit) => void init.stdin.end(),
} as const;

const handlers: readonly Handler[] = [
  { name: 'the reaping', handler: 'immediate:isAwake = false', options: waits, act: send('SIGUSR1') },
  {
    name: 'a walk that goes on',
    handler: 'immediate:task.next()',
    env: { SLOW_CLOCK: '1' },
    options: ['--scope', 'tree'],
    act: send('SIGUSR1'),
  },
  {
    name: 'a look for the trace after an event',
    handler: 'immediate:restUntilMs',
    options: ['--trace', '/dev/null'],
    act: send('SIGUSR1'),
  },
  { name: 'a look for the trace', handler: 'interval:restUntilMs', options: ['--trace', '/dev/null'] },
  {
    name: 'the timer of --stop-delay',
    handler: timer,
    options: ['--stop-delay', '10ms'],
    act: send('SIGTERM'),
  },
  { name: 'the timer of a slow stop', handler: timer, options: soon, isStubborn: true, act: send('SIGTERM') },
  {
    name: 'the timer of a slow stop, which is lost',
    ...{ handler: timer, env: lost, options: soon, isStubborn: true },
    act: send('SIGTERM'),
  },
  {
    // At the end of its handler PID 1 may have exited.
    name: 'the timer of --stop-timeout, which is lost',
    ...{ handler: timer, env: lost, options: [...soon, '--stop-timeout', '10ms'], isStubborn: true },
    act: send('SIGTERM'),
  },
  {
    name: 'the timer of the grace time, which is lost',
    ...{ handler: timer, env: lost, options: soon, isStubborn: true },
    act: endWorkload,
  },
  {
    name: 'the timer of a restart',
    handler: timer,
    // The new workload is asked to end before it could set a trap, or while it reads.
    options: [...soon, '--restart', 'always'],
    isStubborn: true,
    act: endWorkload,
  },
  {
    name: 'the timer of a restart, which is lost',
    ...{ handler: timer, env: lost, options: ['--restart', 'always'] },
    act: endWorkload,
    says: [endsAtOnce],
  },
  {
    name: 'the timer of another look at what was killed',
    handler: 'timeout:resume()',
    env: { KEEP_TIMERS: '1' },
    options: [...soon, '--restart', 'always'],
    isStubborn: true,
    act: endWorkload,
  },
  {
    name: 'the timer of another try to ask survivors',
    handler: 'timeout:resume()',
    env: { NO_PROC: '1' },
    options: ['--restart', 'always'],
    act: endWorkload,
  },
  {
    // Before a restart, even PID 1 kills process by process.
    name: 'the timer of another round of SIGKILL',
    handler: 'timeout:resume()',
    env: { NO_PROC: '1' },
    // Nobody is asked before, for which init would try again as well.
    options: ['--grace', '0', '--restart', 'always'],
    isStubborn: true,
    act: endWorkload,
  },
  { name: 'a signal', handler: 'poll:readSome', act: send('SIGUSR1') },
  { name: 'a signal, which is lost', handler: 'poll:readSome', env: lost, act: send('SIGUSR1') },
  {
    name: 'SIGCHLD',
    handler: 'signal',
    options: waits,
    isStubborn: true,
    async act(init) {
      // If init reaps just then, the handler has nothing to do.
      await until(() => {
        init.kill('SIGCHLD');
        return init.stderr().includes('a handler threw');
      }, 'the handler throws');
      init.kill('SIGTERM');
    },
  },
  { name: 'the end of the workload', handler: 'poll:unwatch()', options: waits, act: endWorkload },
  {
    name: 'the end of the workload, which is lost',
    ...{ handler: 'poll:unwatch()', env: lost, options: waits },
    act: endWorkload,
  },
  {
    name: 'the end of a workload that the kernel has reaped',
    handler: 'poll:unwatch()',
    act: endWorkload,
    parts: ['kernel-reaping'],
  },
  {
    name: 'the end of a workload that the kernel has reaped, which is lost',
    ...{ handler: 'poll:unwatch()', env: lost },
    act: endWorkload,
    parts: ['kernel-reaping'],
  },
  {
    name: 'the reaping of a workload that a tracer has kept',
    handler: 'poll:callBack(true)',
    act: endTracedWorkload,
    parts: ['kernel-reaping', 'actor'],
  },
  {
    name: 'the end of the workload, half way through',
    ...{ handler: 'clock:workloadEnded', options: waits },
    act: endWorkload,
  },
  {
    name: 'the end of a workload that the kernel has reaped, half way through',
    handler: 'clock:workloadEnded',
    act: endWorkload,
    parts: ['kernel-reaping'],
  },
  { name: 'the end of standard input', ...untilInputEnds },
  { name: 'the end of standard input, which is lost', ...untilInputEnds, env: lost },
  {
    name: 'a poll that has been closed',
    handler: 'closed',
    options: waits,
    isStubborn: true,
    async act(init) {
      endWorkload(init);
      await thrown(init);
      // The second stop signal: the failure counts as the first one.
      init.kill('SIGTERM');
    },
  },
  { name: 'a rejected promise', handler: 'rejection', options: waits, act: send('SIGUSR1') },
  { name: '“nothing left to wait for”', handler: 'nothing-left' },
];

/** Both say on standard output that they got SIGTERM, and end. */
const polite = (name: string, then: string) =>
  `trap 'echo ${name} ends; exit 0' TERM; trap '' USR1; sleep 1000 & sleeper=$!; trap : USR1; ${then}; echo ready; while :; do wait $sleeper; done`;
const stubborn = (then: string) =>
  `trap '' TERM; ${then}; echo ready; while :; do sleep 1000 & wait $!; done`;

/**
 * Runs a workload with a second process in another session. The handler throws from the workload's line on.
 */
async function startThrowing(mode: Mode, { handler, env, options = [], launch = [], isStubborn }: Handler) {
  const when = join(temporaryFolder(), 'now');
  const begin = `setsid sh -c "$1" & read -r _; : >${when}`;
  const command = isStubborn
    ? [stubborn(begin), 'sh', stubborn(':')]
    : [polite('workload', begin), 'sh', polite('other', ':')];
  const init = await startInit({
    mode,
    launch: [...launch, 'node', '--require', seam, launcher],
    options: ['--grace', '1000s', '--log-level', 'info', ...options],
    command: ['sh', '-c', ...command],
    spawn: { env: { PATH: process.env['PATH'], THROW_IN: handler, THROW_WHEN: when, ...env } },
  });
  expect(await init.nextLine()).toBe('ready');
  await until(() => init.stderr().includes('reaps orphans'), 'init has settled');
  // Until it executes sleep(1), a fork of the shell has its handler: a SIGTERM would be lost there.
  const sleepers = () => descendantsOf(init.pid).filter(({ name }) => name === 'sleep');
  if (!isStubborn) await until(() => sleepers().length === 2, 'both sleep');
  const before = descendantsOf(init.pid);
  init.stdin.write('\n');
  expect(await init.nextLine()).toBe('ready');
  return { init, below: [...before, ...descendantsOf(init.pid)] };
}

interface InitRecord {
  readonly level: number;
  readonly msg: string;
  readonly error?: string;
}

/** init's own lines: a shell says what ended its children. */
function records(stderr: string): InitRecord[] {
  return stderr
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as InitRecord);
}

/** Those that say why it ends. */
function lastWords(stderr: string): InitRecord[] {
  return records(stderr).filter(({ level }) => level === 60);
}

/** A process that was killed may take its time to end, on a busy machine. */
const untilAllHaveEnded = (processes: readonly ProcessStat[]) =>
  until(
    () => processes.every(({ pid, startTime }) => processStat(pid)?.startTime !== startTime || hasEnded(pid)),
    'no process of the tree is left',
  );

describeModes(['refuse'], 'an exception in init, once the workload runs,', (mode) => {
  for (const handler of handlers) {
    const { name, parts = [], act, isStubborn, says = [fails] } = handler;
    const outcome = says.includes(endsAtOnce) ? 'at once' : 'in order';
    test(`by the handler of ${name}: one line, the tree ends ${outcome}, 125`, needs(...parts), async () => {
      const { init, below } = await startThrowing(mode, handler);
      await act?.(init);
      expect(await init.exit).toEqual({ code: 125, signal: null });
      await untilAllHaveEnded(below);
      expect(lastWords(init.stderr())).toMatchObject(
        says.map((msg) => ({
          msg,
          error: expect.stringMatching(/^a handler threw|^nothing left to wait for/),
        })),
      );
      // It was asked, and not killed.
      if (!isStubborn) expect(await init.nextLine()).toMatch(/^(other|workload) ends$/);
    });
  }

  test.each([
    { what: 'its end', handler: 'poll:lookAgain()', launch: [] },
    {
      what: 'another look, where there are no pidfds',
      handler: 'timeout:lookAgain()',
      launch: [refuse, 'pidfd_open', 'ENOSYS'],
    },
  ])(
    'by the handler of what is stopping as another’s child, $what: one line, 125',
    async ({ handler, launch }) => {
      const app = `
      process.on('SIGTERM', () => console.log('stops'));
      process.stdin.once('data', () => process.exit(0));
      console.log('ready');`;
      const command = `exec 3<&0; (trap '' TERM; node -e "$0" <&3; exec sleep 1000) & wait`;
      const init = await startInit({
        mode,
        launch: [...launch, 'node', '--require', seam, launcher],
        options: ['-v', ...soon],
        command: ['sh', '-c', command, app],
        spawn: { env: { PATH: process.env['PATH'], THROW_IN: handler, THROW_WHEN: '/' } },
      });
      expect(await init.nextLine()).toBe('ready');
      init.kill('SIGTERM');
      expect(await init.nextLine()).toBe('stops');
      await until(() => init.stderr().includes('are still stopping'), 'init has looked');
      // The timer comes in any case. The end must not be seen by a look that is still to come.
      if (launch.length === 0) {
        await until(() => processStat(init.pid)?.state === 'S', 'init waits');
        init.stdin.write('\n');
      }
      expect(await init.exit).toEqual({ code: 125, signal: null });
      expect(lastWords(init.stderr())).toMatchObject([{ msg: fails, error: `a handler threw: ${handler}` }]);
    },
  );

  test.each([
    ['the first look at the workload', 'immediate:reapLoop.begin'],
    ['what comes after the start', 'immediate:runLoops'],
    ['the timer of what comes a second later', 'timeout:giveBackStartMemory'],
    ['the release of the pages of files', 'immediate:madviseCall'],
  ])('by the handler of %s: one line, 125', async (_, handler) => {
    const init = await startInit({
      mode,
      launch: ['node', '--require', seam, launcher],
      command: ['sleep', '1000'],
      spawn: { env: { PATH: process.env['PATH'], THROW_IN: handler, THROW_WHEN: '/' } },
    });
    expect(await init.exit).toEqual({ code: 125, signal: null });
    expect(lastWords(init.stderr())).toMatchObject([{ msg: fails, error: `a handler threw: ${handler}` }]);
  });

  test('by a handler, and once more while the tree is ended: two lines, the tree is killed at once, 125', async () => {
    const handler = { name: '', handler: 'immediate:isAwake = false', options: waits } as const;
    const { init, below } = await startThrowing(mode, {
      ...handler,
      env: { THROW_TIMES: '2' },
      isStubborn: true,
    });
    send('SIGUSR1')(init);
    expect(await init.exit).toEqual({ code: 125, signal: null });
    await untilAllHaveEnded(below);
    expect(lastWords(init.stderr())).toMatchObject([{ msg: fails }, { msg: endsAtOnce }]);
  });

  test('by a handler, and by the handler of exceptions itself: one line, the tree is killed at once, 125', async () => {
    const { init, below } = await startThrowing(mode, {
      name: '',
      handler: 'failure',
      options: waits,
      isStubborn: true,
    });
    send('SIGUSR1')(init);
    expect(await init.exit).toEqual({ code: 125, signal: null });
    await untilAllHaveEnded(below);
    expect(lastWords(init.stderr())).toMatchObject([
      { msg: endsAtOnce, error: 'the handler of exceptions threw' },
    ]);
  });

  test.each([
    {
      observer: 'an observer',
      handler: 'clock:Object.observe',
      options: [],
      act: endWorkload,
      code: 137,
      msg: 'the measuring of phases failed; continuing without it',
    },
    {
      observer: 'the report, at the end',
      handler: 'report',
      options: ['--report', join(tmpdir(), 'never-written')],
      act: send('SIGTERM'),
      code: 0,
      msg: 'the report failed; continuing without it',
    },
  ])(
    'by $observer: one line, the tree ends in order, and the status is the workload’s',
    async ({ handler, options, act, code, msg }) => {
      const { init, below } = await startThrowing(mode, { name: '', handler, options });
      act(init);
      expect(await init.exit).toEqual({ code, signal: null });
      await untilAllHaveEnded(below);
      expect(records(init.stderr()).filter(({ level }) => level >= 50)).toMatchObject([
        { level: 50, msg, error: `a handler threw: ${handler}` },
      ]);
      expect(await init.nextLine()).toMatch(/^(other|workload) ends$/);
    },
  );

  test('with --restart and --remap-exit 125: no restart, and 125', async () => {
    const options = ['--restart', 'always', '-e', '125'];
    const { init } = await startThrowing(mode, { name: '', handler: 'poll:readSome', options });
    send('SIGUSR1')(init);
    expect(await init.exit).toEqual({ code: 125, signal: null });
  });
});

describe('an exception in init, which has an owner,', () => {
  test.each([
    ['', {}],
    [', which is lost', lost],
  ])('by the handler of the end of the owner%s: one line, the tree ends in order, 125', async (_, env) => {
    // Adopts init once the owner has ended, and says how it ends.
    const above = [launcher, '--until', 'all', '--log-level', 'debug', '--'];
    const { init, below } = await startThrowing('subreaper', {
      ...{ name: '', handler: 'poll:stop()', env },
      options: ['--until-owner'],
      launch: [...above, 'sh', '-c', '"$@" & wait', 'sh'],
    });
    const owner = workloadOf(init);
    const owned = below.find(({ parent }) => parent === owner) as ProcessStat;
    endWorkload(init);
    expect(await init.exit).toEqual({ code: 137, signal: null });
    await untilAllHaveEnded(below);
    expect(init.stderr()).toMatch(new RegExp(`"process.pid":${owned.pid},.*"process.exit.code":125`));
    expect(lastWords(init.stderr())).toMatchObject([{ msg: fails, error: 'a handler threw: poll:stop()' }]);
    expect(await init.nextLine()).toMatch(/^(other|workload) ends$/);
  });
});

describeWith(['script', 'bash'], 'an exception in init, below a shell with job control,', () => {
  test('by the handler of its own continuation: 125, and the shell has the terminal', async () => {
    const terminal = startTerminal(['bash', '--norc', '-i']);
    await terminal.shows(/[$#] $/);
    const seamVariables = 'THROW_IN=\'immediate:"resumed"\' THROW_WHEN=/';
    terminal.type(`${seamVariables} node --require ${seam} ${launcher} -- sleep 1000\n`);
    await until(() => descendantsOf(terminal.pid).find(({ name }) => name === 'sleep'), 'the workload runs');
    terminal.type(CTRL_Z);
    await terminal.shows(/Stopped/);
    terminal.type('fg\n');
    await terminal.shows(/a handler threw: immediate/);
    await expectStatus(terminal, 125);
    terminal.type('exit 7\n');
    expect(await terminal.exit).toEqual({ code: 7, signal: null });
  });
});

describe('the handlers that are made to throw', () => {
  const rooms = [
    ...['src/init', 'src/start', 'src/lifecycle', 'src/supervise', 'src/observe'],
    ...['src/log', 'src/native', 'src/process-tree', 'src/reaper'],
  ];
  /** What registers a handler. */
  const registrations =
    /\b(?:setImmediate|setTimeout|setInterval|callableFromC|process\.on|poll(?:Readable|HangUp))\(/g;
  const elsewhere = [
    // Not on Linux.
    'src/init/run-without-reaping.ts',
    'src/init/keep-tree.ts',
    // In an app that is its own init.
    'src/native/libuv.ts',
    'src/native/timers.ts',
  ];

  test('are all that init has: one more needs a test above', () => {
    const files = rooms.flatMap((room) =>
      readdirSync(join(root, room), { recursive: true, encoding: 'utf8' }).map((file) => `${room}/${file}`),
    );
    const counts = files
      .filter((file) => file.endsWith('.ts') && !elsewhere.includes(file))
      .map(
        (file) => [file, readFileSync(join(root, file), 'utf8').match(registrations)?.length ?? 0] as const,
      )
      .filter(([, count]) => count > 0);
    expect(Object.fromEntries(counts)).toEqual({
      'src/init/init.ts': 4,
      'src/observe/trace.ts': 2,
      'src/process-tree/slices.ts': 1,
      'src/start/bonds.ts': 1,
      'src/supervise/children.ts': 1,
      'src/supervise/effects.ts': 2,
      'src/supervise/recipients.ts': 2,
      'src/supervise/tree.ts': 1,
      'src/supervise/workload.ts': 2,
      'src/native/callback.ts': 1,
      'src/native/memory.ts': 1,
      'src/native/poll.ts': 5,
      'src/native/signal-loop.ts': 2,
      'src/native/signals.ts': 1,
      'src/reaper/reap-loop.ts': 1,
    });
  });
});
