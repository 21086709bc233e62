import { expect, test } from 'vitest';
import { actor, launcher } from '../helpers/environment.ts';
import { describeModes, describeWith } from '../helpers/modes.ts';
import { childrenOf, descendantsOf, until } from '../helpers/proc.ts';
import { type RunningInit, startInit, startProcess } from '../helpers/run-init.ts';
import { CTRL_C, CTRL_Z, initOnTerminal, startTerminal } from '../helpers/terminal.ts';

/** How long an app listens to a stop signal: node removes a handler for one time, and a second signal would end it. */
type Listens = 'on' | 'once';

/** Says which stop signals come, and ends when its input says that its work is done. */
const server = (listens: Listens) => `
  for (const signal of ['SIGTERM', 'SIGINT']) process.${listens}(signal, () => console.log(signal));
  setInterval(() => {}, 1_000_000);
  process.stdin.once('data', () => { console.log('drained'); process.exit(0); });
  console.log('ready');`;

/** What npm, yarn and scripts do: the shell in front dies of the signal that the whole group gets. */
const below = (listens: Listens, before = '') => [
  'sh',
  '-c',
  `${before} node -e "$0"; true`,
  server(listens),
];

/** A shell waits for its child after a Ctrl-C. This starter does not. */
const belowNode = (listens: Listens) => [
  'node',
  '-e',
  "require('node:child_process').spawn('node', ['-e', process.argv[1]], { stdio: 'inherit' })",
  server(listens),
];

/** A process that nothing but SIGTERM ends. It says when that comes. */
const daemon = `sh -c 'trap "echo asked; exit" TERM; echo ready; while :; do sleep 0.05; done'`;

const isStopping = (init: RunningInit) =>
  until(() => init.stderr().includes('are still stopping'), 'init waits for what is stopping');

/** All lines that are left. */
async function rest(init: RunningInit): Promise<string[]> {
  const lines: string[] = [];
  for (;;) {
    const line = await init.nextLine().catch(() => undefined);
    if (line === undefined) return lines;
    lines.push(line);
  }
}

/** Stops the server, lets it drain once init waits for it, and returns what it says after the signal. */
async function stopped(init: RunningInit): Promise<string[]> {
  expect(await init.nextLine()).toBe('ready');
  init.kill('SIGTERM');
  expect(await init.nextLine()).toBe('SIGTERM');
  await isStopping(init);
  init.stdin.write('\n');
  return rest(init);
}

describeModes([], 'a server below a shell that dies of the stop signal', (mode) => {
  for (const reapedBy of [['-v'], ['-v', '--report', '/dev/null']])
    for (const scope of ['group', 'tree'])
      for (const listens of ['on', 'once'] as const)
        test(`has its time, and one signal: process.${listens}, --scope ${scope} ${reapedBy.slice(1)}`, async () => {
          // A survivor that is asked would be killed at once.
          const options = [...reapedBy, '--scope', scope, '--grace', '0'];
          const init = await startInit({ mode, options, command: below(listens) });
          expect(await stopped(init)).toEqual(['drained']);
          expect(await init.exit).toEqual({ code: 143, signal: null });
        });

  test('is alone for that time: another session is asked when it has ended', async () => {
    const options = ['-v', '--grace', '1000s'];
    const init = await startInit({ mode, options, command: below('once', `setsid ${daemon} &`) });
    expect([await init.nextLine(), await init.nextLine()]).toEqual(['ready', 'ready']);
    init.kill('SIGTERM');
    expect(await init.nextLine()).toBe('SIGTERM');
    await isStopping(init);
    init.stdin.write('\n');
    expect(await rest(init)).toEqual(['drained', 'asked']);
    expect(await init.exit).toEqual({ code: 143, signal: null });
  });

  test('is noticed when it ends as the child of another process, which is killed then', async () => {
    const parent = `exec 3<&0; (trap '' TERM; node -e "$0" <&3; exec sleep 1000) & wait`;
    const command = ['sh', '-c', parent, server('once')];
    const init = await startInit({ mode, options: ['-v', '--grace', '50ms'], command });
    expect(await stopped(init)).toEqual(['drained']);
    expect(await init.exit).toEqual({ code: 143, signal: null });
  });

  test('gets a second stop signal as the workload would', async () => {
    const init = await startInit({ mode, options: ['-v'], command: below('on') });
    expect(await init.nextLine()).toBe('ready');
    init.kill('SIGTERM');
    expect(await init.nextLine()).toBe('SIGTERM');
    await isStopping(init);
    init.kill('SIGINT');
    expect(await init.nextLine()).toBe('SIGINT');
    init.stdin.write('\n');
    expect(await rest(init)).toEqual(['drained']);
    expect(await init.exit).toEqual({ code: 143, signal: null });
  });

  test('has no longer than --stop-timeout', async () => {
    const options = ['-v', '--stop-timeout', '5s', '--grace', '1000s'];
    const init = await startInit({ mode, options, command: below('on') });
    expect(await init.nextLine()).toBe('ready');
    init.kill('SIGTERM');
    expect(await rest(init)).toEqual(['SIGTERM']);
    expect(await init.exit).toEqual({ code: 143, signal: null });
    expect(init.stderr()).toContain('stop timeout: survivors are still running');
  });

  test('with --restart, --until all and --stop-delay', async () => {
    const options = ['-v', '--restart', 'always', '--until', 'all', '--stop-delay', '1ms', '--grace', '0'];
    const init = await startInit({ mode, options, command: below('once') });
    expect(await stopped(init)).toEqual(['drained']);
    expect(await init.exit).toEqual({ code: 143, signal: null });
  });
});

describeModes(['actor'], 'what did not act on the stop signal', (mode) => {
  test.each([
    ['ignores', `(trap '' TERM; echo ready; exec sleep 1000) & wait`],
    ['blocks', `${actor} block 15 sh -c 'echo ready; exec sleep 1000' & wait`],
  ])('has the grace time, though it got it: it %s SIGTERM', async (_, script) => {
    const options = ['-v', '--grace', '50ms'];
    const init = await startInit({ mode, options, command: ['sh', '-c', script] });
    expect(await init.nextLine()).toBe('ready');
    init.kill('SIGTERM');
    expect(await init.exit).toEqual({ code: 143, signal: null });
    expect(init.stderr()).not.toContain('are still stopping');
  });

  test('is asked once more, if it lost the signal between fork and exec', async () => {
    const init = await startInit({ mode, options: ['-v', '--grace', '1000s'], command: [actor, 'lose'] });
    expect(await init.nextLine()).toBe('ready');
    init.kill('SIGTERM');
    expect(await init.exit).toEqual({ code: 7, signal: null });
    expect(init.stderr()).not.toContain('are still stopping');
  });

  test('also if it executes only when the workload has ended', async () => {
    const command = [actor, 'lose', 'late'];
    const init = await startInit({ mode, options: ['-q', '--grace', '1000s'], command });
    expect(await init.nextLine()).toBe('ready');
    init.kill('SIGTERM');
    expect(await init.exit).toEqual({ code: 7, signal: null });
  });

  test('is continued and asked, if it was stopped', async () => {
    const script = 'sh -c \'trap "echo asked; exit" TERM; echo ready; kill -STOP $$\' & wait';
    const init = await startInit({
      mode,
      options: ['-v', '--grace', '1000s'],
      command: ['sh', '-c', script],
    });
    expect(await init.nextLine()).toBe('ready');
    await until(() => descendantsOf(init.pid).some(({ state }) => state === 'T'), 'it is stopped');
    init.kill('SIGTERM');
    expect(await rest(init)).toEqual(['asked']);
    expect(await init.exit).toEqual({ code: 143, signal: null });
  });
});

describeModes(['script'], 'a Ctrl-C', (mode) => {
  for (const listens of ['on', 'once'] as const)
    test(`leaves a dev server its time: process.${listens}`, async () => {
      const options = ['-v', '--log-format', 'json', '--grace', '0'];
      const terminal = initOnTerminal({ mode, options, command: belowNode(listens) });
      await terminal.shows(/ready/);
      terminal.type(CTRL_C);
      await terminal.shows(/SIGINT/);
      await terminal.shows(/are still stopping/);
      // It has the terminal until it ends, and a Ctrl-Z does not hold it up.
      terminal.type(CTRL_Z);
      terminal.type('\n');
      await terminal.shows(/drained/);
      expect(await terminal.exit).toEqual({ code: 130, signal: null });
      expect(terminal.output()).not.toContain('SIGTERM\r\n');
    });
});

describeWith(['script', 'bash'], 'what is stopping in a pipeline', () => {
  test('gets the terminal when it asks for it', async () => {
    const asks = `trap 'trap "" TERM; echo reading; read -r line </dev/tty; echo "read $line"; exit' TERM; echo ready; while :; do sleep 0.05; done`;
    const pipeline = 'true | "$0" -q --grace 0 -- sh -c \'bash -c "$0"; true\' "$1" | cat';
    const terminal = startTerminal(['sh', '-c', pipeline, launcher, asks]);
    await terminal.shows(/ready/);
    const init = await until(
      () => descendantsOf(terminal.pid).find(({ name }) => name === 'subreaper'),
      'init is called subreaper',
    );
    process.kill(init.pid, 'SIGTERM');
    await terminal.shows(/reading/);
    terminal.type('hello\n');
    await terminal.shows(/read hello/);
    expect(await terminal.exit).toEqual({ code: 0, signal: null });
  });
});

describeModes(['script'], 'what looks like a Ctrl-C', (mode) => {
  /** It has no handler, and got no signal. */
  const left = "require('node:child_process').spawn('sleep', ['1000'], { stdio: 'inherit' })";

  test('holds up nothing: the status of a Ctrl-C that nobody typed', async () => {
    const command = ['node', '-e', `${left}.on('spawn', () => process.exit(130))`];
    const terminal = initOnTerminal({ mode, options: ['-q', '--grace', '50ms'], command });
    expect(await terminal.exit).toEqual({ code: 130, signal: null });
  });

  test('holds up nothing: a SIGINT that init sends to the workload alone', async () => {
    const command = ['node', '-e', `${left}.on('spawn', () => console.log('ready'))`];
    const options = ['-v', '--scope', 'child', '--grace', '50ms'];
    const terminal = initOnTerminal({ mode, options, command });
    await terminal.shows(/ready/);
    const init = await until(
      () => descendantsOf(terminal.pid).find(({ name }) => name === 'subreaper'),
      'init is called subreaper',
    );
    process.kill(init.pid, 'SIGINT');
    expect(await terminal.exit).toEqual({ code: 130, signal: null });
    expect(terminal.output()).not.toContain('are still stopping');
  });
});

describeWith([], 'an owner', () => {
  const owner = (graceMs: number, then: string) => [
    'node',
    '--input-type=module',
    '-e',
    `import { spawnBound } from ${JSON.stringify(`${launcher}/../../dist/index.mjs`)};
    const child = spawnBound(process.argv[1], process.argv.slice(2), { stdio: ['inherit', 'inherit', 'inherit'], graceMs: ${graceMs} });
    child.on('exit', (code, signal) => console.log('ended', code, signal));
    process.on('SIGUSR2', () => { ${then} });`,
    ...below('once'),
  ];

  test('kill() asks once, and leaves all of graceMs', async () => {
    const running = startProcess(owner(1_000_000, 'child.kill()'));
    expect(await running.nextLine()).toBe('ready');
    running.kill('SIGUSR2');
    expect(await running.nextLine()).toBe('SIGTERM');
    running.stdin.write('\n');
    expect(await rest(running)).toEqual(['drained', 'ended null SIGTERM']);
  });

  /** Another process holds the pipes, or they would end with the owner. */
  async function startOwner(line: readonly string[]): Promise<{ running: RunningInit; owner: number }> {
    const holder = 'exec 3<&0; "$@" <&3 & echo "owner $!"; wait; exec sleep 1000 >/dev/null';
    const running = startProcess(['sh', '-c', holder, 'sh', ...line]);
    const lines = [await running.nextLine(), await running.nextLine()].sort();
    expect(lines).toEqual([expect.stringMatching(/^owner \d+$/), 'ready']);
    return { running, owner: Number((lines[0] as string).slice('owner '.length)) };
  }

  test('that ends asks once', async () => {
    const { running, owner: pid } = await startOwner(owner(1_000_000, 'process.exit()'));
    process.kill(pid, 'SIGUSR2');
    expect(await running.nextLine()).toBe('SIGTERM');
    running.stdin.write('\n');
    expect(await rest(running)).toEqual(['drained']);
  });

  test('that ends during a stop bounds it by --grace, without another signal', async () => {
    const init = [
      launcher,
      '--until-owner',
      '--scope',
      'tree',
      '-v',
      '--grace',
      '100ms',
      '--',
      ...below('on'),
    ];
    const script = 'exec 3<&0; "$@" <&3 & read -r _';
    const { running, owner: pid } = await startOwner(['sh', '-c', script, 'sh', ...init]);
    const bound = await until(() => childrenOf(pid).find(({ name }) => name === 'subreaper'), 'init runs');
    process.kill(bound.pid, 'SIGTERM');
    expect(await running.nextLine()).toBe('SIGTERM');
    await isStopping(running);
    process.kill(pid, 'SIGKILL');
    // All of them have ended: nobody holds the pipe.
    expect(await rest(running)).toEqual([]);
  });
});
