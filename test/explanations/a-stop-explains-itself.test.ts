import { spawnSync } from 'node:child_process';
import {
  closeSync,
  constants,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createCgroup, enter } from '../helpers/cgroup.ts';
import { actor, launcher, refuse, unshareArguments } from '../helpers/environment.ts';
import { describeModes, describeWith } from '../helpers/modes.ts';
import { childrenOf, descendantsOf, until } from '../helpers/proc.ts';
import { initCommand, type RunningInit, runInit, startInit, startProcess } from '../helpers/run-init.ts';
import { CTRL_C, initOnTerminal, type Terminal } from '../helpers/terminal.ts';

interface LogRecord {
  readonly level: number;
  readonly msg: string;
  readonly phase?: string;
}

const records = (stderr: string): LogRecord[] =>
  stderr
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as LogRecord);

const sentences = (stderr: string) => records(stderr).map(({ msg }) => msg);

/** A file in a folder of its own. */
function freshFile(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'subreaper-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, name);
}

/** Waits for a sentence of init's. */
async function says(init: RunningInit, part: string): Promise<string> {
  const said = () => sentences(init.stderr());
  try {
    return await until(() => said().find((sentence) => sentence.includes(part)), part);
  } catch (error) {
    throw new Error(`init said ${JSON.stringify(said())}\n${describeProcess(init.pid)}`, { cause: error });
  }
}

/** What the kernel knows of a process. */
function describeProcess(pid: number): string {
  try {
    return ['status', 'wchan', 'syscall']
      .map((file) => readFileSync(`/proc/${pid}/${file}`, 'latin1'))
      .join('\n');
  } catch {
    return `no process ${pid}`;
  }
}

describeModes(['actor'], 'a workload that does not end on the stop signal', (mode) => {
  test.each([
    [
      'ignores it',
      [actor, 'ignore', '15', 'sh', '-c', 'echo ready; read -r _'],
      'sh \\(pid \\d+\\) ignores SIGTERM',
    ],
    [
      'blocks it',
      [actor, 'block', '15', 'sh', '-c', 'echo ready; read -r _'],
      'sh \\(pid \\d+\\) blocks SIGTERM',
    ],
    [
      'handles it, and goes on',
      ['sh', '-c', 'trap : TERM; echo ready; until read -r _; do :; done'],
      'sh \\(pid \\d+\\) handles SIGTERM and has not ended yet',
    ],
    [
      'handles it, though its name says that it does not',
      [
        'sh',
        '-c',
        "printf '\\rSigIgn:fffffff' >/proc/$$/comm; trap : TERM; echo ready; until read -r _; do :; done",
      ],
      '\\?SigIgn:fffffff \\(pid \\d+\\) handles SIGTERM and has not ended yet',
    ],
  ])('%s: named after 2 s', async (_what, command, names) => {
    const init = await startInit({ mode, command });
    expect(await init.nextLine()).toBe('ready');
    init.kill('SIGTERM');
    expect(await says(init, 'still running')).toMatch(
      new RegExp(
        `^the workload is still running 2 s after SIGTERM: ${names}.*; add --stop-timeout to limit the wait$`,
      ),
    );
    init.stdin.write('\n');
    await init.exit;
  });

  test('is told apart from one that the signal did not reach', async () => {
    const script = 'trap : TERM; setsid sleep 1000 & echo ready; until read -r _; do :; done';
    const init = await startInit({ mode, options: ['--stop-timeout', '3s'], command: ['sh', '-c', script] });
    expect(await init.nextLine()).toBe('ready');
    await until(() => descendantsOf(init.pid).some(({ name }) => name === 'sleep'), 'the other one runs');
    init.kill('SIGTERM');
    expect(await init.exit).toEqual({ code: 137, signal: null });
    const [slow, timedOut, ...more] = sentences(init.stderr());
    expect(slow).toMatch(
      /sleep \(pid \d+\) did not get it; add --scope tree to reach all of them; --stop-timeout kills everything after 3 s$/,
    );
    expect(timedOut).toMatch(
      /^stop timeout: the workload is still running 3 s after SIGTERM; killing everything: sh/,
    );
    expect(more).toEqual([]);
  });

  test('is told what it does with the signal, and that it sleeps in the kernel', async () => {
    const init = await startInit({ mode, command: [actor, 'ignore', '15', actor, 'vfork-long'] });
    expect(await init.nextLine()).toBe('ready');
    await until(() => descendantsOf(init.pid).some(({ state }) => state === 'D'), 'it sleeps');
    init.kill('SIGTERM');
    expect(await says(init, 'still running')).toMatch(
      /: actor \(pid \d+\) ignores SIGTERM and is in an uninterruptible sleep( \(\w+\))?, actor/,
    );
    init.stdin.write('\n');
    expect(await init.exit).toEqual({ code: 0, signal: null });
  });

  test('is told which signal it handles', async () => {
    const script = 'trap "" TERM; trap : INT; echo ready; until read -r _; do :; done';
    const init = await startInit({ mode, command: ['sh', '-c', script] });
    expect(await init.nextLine()).toBe('ready');
    init.kill('SIGTERM');
    expect(await says(init, 'still running')).toContain('; sh handles SIGINT: add --rewrite TERM:INT;');
    init.stdin.write('\n');
    await init.exit;
  });
});

describeModes(['actor'], 'a workload that has to be killed because its input has ended', (mode) => {
  test('is no survivor: the lines say that it runs, and the last one is why the status is 137', async () => {
    const [why, report] = [freshFile('why'), freshFile('report')];
    const ends = ['--until-stdin-closes', '--grace', '2100ms'];
    const init = await startInit({
      mode,
      options: [...ends, '--termination-log', why, '--report', report],
      command: [actor, 'ignore', '15', 'sh', '-c', 'echo ready; sleep 1000; :'],
    });
    expect(await init.nextLine()).toBe('ready');
    init.stdin.end();
    expect(await init.exit).toEqual({ code: 137, signal: null });
    const [slow, killed, ...more] = sentences(init.stderr());
    expect(slow).toMatch(/^the workload is still running 2 s after SIGTERM: sh \(pid \d+\) ignores SIGTERM/);
    expect(killed).toMatch(/^killing the workload 2\.\d s after SIGTERM: sh \(pid \d+\) ignores SIGTERM/);
    expect(more).toEqual([]);
    expect(readFileSync(why, 'utf8')).toBe(`${killed}\n`);
    expect(JSON.parse(readFileSync(report, 'utf8'))).toMatchObject({ status: 137, reason: killed });
  });
});

describeModes(['actor'], 'survivors that have to be killed', (mode) => {
  test('are named, with what they do and how long they had', async () => {
    // Init continues what it asks to end: this one stops itself again.
    const stopped = `trap '' TERM; trap 'echo continued; kill -STOP $$' CONT; echo ready; until [ -e "$0" ]; do sleep 0.01; done`;
    const file = freshFile('go');
    const init = await startInit({
      mode,
      options: ['--grace', '1000s'],
      command: [
        ...[
          'sh',
          '-c',
          '(trap "" TERM; exec sleep 1000) & sh -c "$1" "$0" & trap "exit 5" TERM; read -r _; wait',
        ],
        ...[file, stopped],
      ],
    });
    expect(await init.nextLine()).toBe('ready');
    const survivors = () => descendantsOf(init.pid);
    await until(() => survivors().some(({ name }) => name === 'sleep'), 'one sleeps');
    init.kill('SIGTERM');
    expect(await init.nextLine()).toBe('continued');
    await until(() => survivors().some(({ state }) => state === 'T'), 'the other one is stopped');
    init.kill('SIGTERM');
    expect(await init.exit).toEqual({ code: 5, signal: null });
    const sentence = sentences(init.stderr()).at(-1);
    expect(sentence).toMatch(/^killing the remaining processes [\d.]+ m?s after SIGTERM: /);
    expect(sentence).toMatch(/sleep \(pid \d+\) ignores SIGTERM([,;]|$)/);
    expect(sentence).toMatch(/sh \(pid \d+\) ignores SIGTERM and is stopped([,;]|$)/);
  });

  test('ten of them at most', async () => {
    const init = await startInit({
      mode,
      options: ['--grace', '0'],
      command: [
        'sh',
        '-c',
        `for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 1000 & done; echo started; read -r _`,
      ],
    });
    expect(await init.nextLine()).toBe('started');
    await until(
      () => descendantsOf(init.pid).filter(({ name }) => name === 'sleep').length === 12,
      'all run',
    );
    init.stdin.write('\n');
    await init.exit;
    const [sentence] = sentences(init.stderr());
    expect(sentence).toMatch(/^killing the remaining processes at once: /);
    expect(sentence?.match(/\(pid \d+\)/g)?.length).toBeLessThanOrEqual(10);
    expect(sentence).toMatch(/, and \d+ more$/);
  });
});

describeModes(['actor'], 'a workload that something else ended', (mode) => {
  const run = async (command: readonly string[], options: readonly string[] = []) => {
    const { code, stderr } = await runInit({ mode, command, options });
    return { code, said: sentences(stderr) };
  };

  test.each([
    ['KILL', 137, /^the workload was killed by SIGKILL.*OOM/],
    ['USR1', 138, /^the workload was killed by SIGUSR1: init did not send it$/],
    ['ALRM', 142, /^the workload was killed by SIGALRM: init did not send it; most likely a timer .*$/],
    [
      'SEGV',
      139,
      /^the workload was killed by SIGSEGV, which the kernel sends for a fault, (no )?core dumped$/,
    ],
  ])('by SIG%s', async (name, code, sentence) => {
    expect(await run(['sh', '-c', `ulimit -c 0; kill -${name} $$`])).toEqual({
      code,
      said: [expect.stringMatching(sentence)],
    });
  });

  test.each([
    ['its limit of file size', 'ulimit -f 0; exec yes >"$0"', 'SIGXFSZ', /; most likely .*RLIMIT_FSIZE/],
    // What the kernel sends at the limit; a second of CPU time may take a minute.
    ['its limit of CPU time', 'kill -XCPU $$', 'SIGXCPU', /; most likely .*RLIMIT_CPU/],
    ['itself', 'kill -KILL $$', 'SIGKILL', /the workload itself/],
  ])('by %s: not "from outside"', async (_what, script, signal, cause) => {
    const { said } = await run(['sh', '-c', `ulimit -c 0; ${script}`, freshFile('output')]);
    expect(said).toEqual([expect.stringMatching(cause)]);
    expect(said[0]).toMatch(new RegExp(`^the workload was killed by ${signal}: init did not send it`));
  });

  test('by a pipe that nobody reads any more: not "from outside"', async () => {
    const pipeline = startProcess([
      'sh',
      '-c',
      '"$@" | head -n 1',
      'sh',
      ...initCommand({ mode, command: ['yes'] }),
    ]);
    expect(await pipeline.nextLine()).toBe('y');
    await pipeline.exit;
    expect(sentences(pipeline.stderr())).toEqual([
      'the workload was killed by SIGPIPE: init did not send it; most likely it wrote to a pipe that nobody reads',
    ]);
  });

  test('is told apart from one whose child was', async () => {
    expect(await run(['sh', '-c', 'exit 139'])).toEqual({
      code: 139,
      said: [
        'the workload exited with 139, no signal ended it; 139 is 128 + 11: SIGSEGV may have ended one of its children',
      ],
    });
  });

  test.each([
    ['a status', ['sh', '-c', 'exit 3'], []],
    ['a status above 128 that stands for no signal', ['sh', '-c', 'exit 255'], []],
    ['a signal that is remapped to success', ['sh', '-c', 'kill -TERM $$'], ['-e', '143']],
  ])('nothing is said of %s', async (_what, command, options) => {
    expect((await run(command, options)).said).toEqual([]);
  });

  test('nor of a status that stands for a signal for which init sent another', async () => {
    const script = 'trap "exit 143" INT; echo ready; while :; do sleep 0.01; done';
    const init = await startInit({ mode, options: ['-r', 'TERM:INT'], command: ['sh', '-c', script] });
    expect(await init.nextLine()).toBe('ready');
    init.kill('SIGTERM');
    expect(await init.exit).toEqual({ code: 143, signal: null });
    expect(init.stderr()).toBe('');
  });

  test.each(['SIGTERM', 'SIGUSR1'] as const)('nor of %s, if init forwarded it', async (signal) => {
    const init = await startInit({ mode, command: ['sh', '-c', 'echo ready; read -r _'] });
    expect(await init.nextLine()).toBe('ready');
    init.kill(signal);
    await init.exit;
    expect(init.stderr()).toBe('');
  });
});

describeModes(['script', 'bash'], 'Ctrl-C is no reason', (mode) => {
  const onTerminal = (command: readonly string[], why: string) =>
    initOnTerminal({ mode, options: ['--termination-log', why, '--log-format', 'json'], command });

  async function endsUnexplained(terminal: Terminal, why: string): Promise<void> {
    expect(await terminal.exit).toEqual({ code: 130, signal: null });
    expect(terminal.output()).not.toContain('subreaper');
    expect(existsSync(why)).toBe(false);
  }

  test('for the end of a shell, which passes on the last status', async () => {
    const why = freshFile('why');
    const terminal = onTerminal(['bash', '--norc', '-i'], why);
    await terminal.shows(/[$#] $/);
    // bash forgets a Ctrl-C that comes between its prompt and its read.
    const shell = () => descendantsOf(terminal.pid).find(({ name }) => name === 'bash');
    await until(() => shell()?.state === 'S', 'bash reads');
    terminal.type(CTRL_C);
    await terminal.shows(/[$#] $/);
    terminal.type('exit\n');
    await endsUnexplained(terminal, why);
  });

  test('for the end of a program that handles it', async () => {
    const why = freshFile('why');
    const script = 'trap "exit 130" INT; echo ready; while :; do sleep 0.01; done';
    const terminal = onTerminal(['sh', '-c', script], why);
    await terminal.shows(/ready/);
    terminal.type(CTRL_C);
    await endsUnexplained(terminal, why);
  });
});

describeModes(['actor'], '-v', (mode) => {
  test('shows each part of a stop, and how long it took', async () => {
    const script = `(trap '' TERM; exec sleep 1000) & trap 'exit 3' TERM; echo ready; while :; do sleep 0.01; done`;
    const init = await startInit({
      mode,
      options: ['-v', '--grace', '100ms', '--stop-delay', '100ms'],
      command: ['sh', '-c', script],
    });
    expect(await init.nextLine()).toBe('ready');
    init.kill('SIGTERM');
    expect(await init.exit).toEqual({ code: 3, signal: null });
    const all = records(init.stderr());
    const order = [
      { msg: 'stop signal received', signal: 'SIGTERM', sent: 'SIGTERM' },
      { msg: 'stop signal held', stopDelayMs: 100 },
      { msg: 'phase ended', phase: 'stop-delay' },
      { msg: 'signal forwarded', signal: 'SIGTERM' },
      { msg: 'workload ended', 'process.exit.code': 3 },
      { msg: 'phase ended', phase: 'stop' },
      { msg: expect.stringMatching(/^asking survivors to end within 100 ms: .*sleep \(pid \d+\)/) },
      { msg: expect.stringMatching(/^killing the remaining processes /) },
      { msg: 'exiting', 'process.exit.code': 3 },
    ];
    const told = all.filter(({ msg }) => order.some((one) => matches(one.msg, msg)));
    // As PID 1, the kernel kills after init's end.
    const isOfKilling = ({ phase }: LogRecord) => phase === 'grace' || phase === 'kill';
    expect(told.filter((record) => !isOfKilling(record))).toMatchObject(order);
  });

  test.each([
    ['is rewritten to another one', '-r', 'TERM:USR1', 'echo got'],
    ['is dropped', '-r', 'TERM:0', ''],
  ])('shows a stop signal that begins no stop, because it %s', async (_what, option, value, handler) => {
    const script = `trap '${handler}' USR1; echo ready; until read -r _; do :; done; exit 3`;
    const options = ['-v', option, value, '--stop-timeout', '1ms'];
    const init = await startInit({ mode, options, command: ['sh', '-c', script] });
    expect(await init.nextLine()).toBe('ready');
    init.kill('SIGTERM');
    if (handler !== '') expect(await init.nextLine()).toBe('got');
    const told = () => records(init.stderr()).filter((record) => 'signal' in record);
    await until(() => told().length === (handler === '' ? 1 : 2), 'init tells it');
    init.stdin.write('\n');
    expect(await init.exit).toEqual({ code: 3, signal: null });
    expect(told()).toMatchObject(
      handler === ''
        ? [{ level: 30, msg: 'stop signal dropped', signal: 'SIGTERM' }]
        : [
            {
              level: 30,
              msg: 'stop signal received, not treated as a stop',
              signal: 'SIGTERM',
              sent: 'SIGUSR1',
            },
            { level: 30, msg: 'signal forwarded', signal: 'SIGTERM', sent: 'SIGUSR1' },
          ],
    );
  });

  test('shows what --until all waits for', async () => {
    const init = await startInit({
      mode,
      options: ['-v', '--until', 'all'],
      command: ['sh', '-c', 'exec 3<&0; (read -r _ <&3) & exit 0'],
    });
    expect(await says(init, 'waiting for')).toMatch(/^waiting for the remaining processes: sh \(pid \d+\)$/);
    init.stdin.write('\n');
    expect(await init.exit).toEqual({ code: 0, signal: null });
  });
});

const matches = (expected: unknown, text: string) =>
  typeof expected === 'string' ? expected === text : text.match(/^(asking|killing)/) !== null;

describeModes(['actor', 'refuse'], '--termination-log', (mode) => {
  const end = (file: string, command: readonly string[], options: readonly string[] = []) =>
    runInit({ mode, options: ['--termination-log', file, ...options], command });

  test('has the reason of a bad end, as it was logged, for its owner alone', async () => {
    const file = freshFile('why');
    const { stderr } = await end(file, ['sh', '-c', 'kill -USR1 $$']);
    expect(readFileSync(file, 'utf8')).toBe(`${sentences(stderr)[0]}\n`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test('has the reason though the log is silent', async () => {
    const file = freshFile('why');
    await end(file, ['sh', '-c', 'kill -USR1 $$'], ['--log-level', 'silent']);
    expect(readFileSync(file, 'utf8')).toMatch(/^the workload was killed by SIGUSR1/);
  });

  test('says that the command cannot be run', async () => {
    const file = freshFile('why');
    expect(await end(file, ['no-such-command'])).toMatchObject({ code: 127 });
    expect(readFileSync(file, 'utf8')).toContain('no-such-command');
  });

  test('has 4 KiB at most, and whole characters', async () => {
    const file = freshFile('why');
    const { stderr } = await end(file, ['😀'.repeat(2000)]);
    const text = readFileSync(file, 'utf8');
    expect(stderr.slice('subreaper: '.length).startsWith(text.trimEnd())).toBe(true);
    expect(statSync(file).size).toBeLessThanOrEqual(4096);
    expect(statSync(file).size).toBeGreaterThan(4090);
    expect(text).toMatch(/😀\n$/u);
  });

  test('says why init cannot start', async () => {
    const file = freshFile('why');
    const launch = [refuse, 'wait4', 'EPERM', launcher];
    const options = ['--termination-log', file];
    const { code, stderr } = await runInit({ mode, launch, options, command: ['true'] });
    expect(code).toBe(125);
    expect(readFileSync(file, 'utf8')).toMatch(/^cannot start, wait4 .*EPERM/);
    expect(stderr).toBe(`subreaper: ${readFileSync(file, 'utf8')}`);
  });

  test.each([
    ['a good end', ['true'], []],
    ['a status of its own, which only the workload can explain', ['sh', '-c', 'exit 3'], []],
    ['a signal that is remapped to success', ['sh', '-c', 'kill -TERM $$'], ['-e', '143']],
  ])('says nothing of %s', async (_what, command, options) => {
    const file = freshFile('why');
    await end(file, command, options);
    expect(() => statSync(file)).toThrow('ENOENT');
  });

  test('leaves what the workload wrote, and replaces what is older', async () => {
    const file = freshFile('why');
    await end(file, ['sh', '-c', `echo mine >${file}; kill -USR1 $$`]);
    expect(readFileSync(file, 'utf8')).toBe('mine\n');
    writeFileSync(file, `${'old '.repeat(100)}\n`);
    await end(file, ['sh', '-c', 'kill -USR1 $$']);
    expect(readFileSync(file, 'utf8')).toMatch(/^the workload was killed by SIGUSR1[^\n]*\n$/);
  });

  test.each([
    ['symbolic', symlinkSync, 'ELOOP'],
    ['hard', linkSync, 'EMLINK'],
  ])('follows no %s link: one warning, and the same status', async (_kind, makeLink, why) => {
    const target = freshFile('target');
    writeFileSync(target, 'theirs');
    const link = `${target}-link`;
    makeLink(target, link);
    const { code, stderr } = await end(link, ['sh', '-c', 'kill -USR1 $$']);
    expect(code).toBe(138);
    expect(records(stderr)).toMatchObject([
      {},
      {
        level: 40,
        msg: `cannot write the termination log to '${link}'; its directory must exist, be writable and have space left`,
        error: expect.stringMatching(new RegExp(`^${why}: [^/]+$`)),
      },
    ]);
    expect(readFileSync(target, 'utf8')).toBe('theirs');
  });

  test('writes to nothing that is no file', async () => {
    const fifo = freshFile('fifo');
    spawnSync('mkfifo', [fifo]);
    // With a reader, it could be opened.
    const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
    onTestFinished(() => closeSync(reader));
    expect(await end(fifo, ['sh', '-c', 'kill -USR1 $$'])).toMatchObject({ code: 138 });
    expect(readSync(reader, Buffer.alloc(1))).toBe(0);
  });
});

describeWith(['namespaces'], '/dev/termination-log', () => {
  /** Runs init where the file is there. @returns what it holds at the end */
  async function lastWords(place: 'pid1' | 'below', args: readonly string[]): Promise<string> {
    const file = freshFile('why');
    writeFileSync(file, '');
    const devices = `${file}-devices`;
    mkdirSync(devices);
    const script = [
      `mount -t tmpfs none ${devices}`,
      `for name in null urandom; do touch ${devices}/$name; mount --bind /dev/$name ${devices}/$name; done`,
      `touch ${devices}/termination-log; mount --bind ${file} ${devices}/termination-log`,
      `mount --rbind ${devices} /dev`,
      place === 'pid1' ? 'exec "$@"' : '"$@"; exit',
    ].join('\n');
    const namespace = ['unshare', ...(unshareArguments ?? []), '--'];
    const started = startProcess([...namespace, 'sh', '-c', script, 'sh', launcher, ...args]);
    expect(await started.exit).toEqual({ code: 125, signal: null });
    const said = readFileSync(file, 'utf8');
    expect(['', started.stderr()]).toContain(said && `subreaper: ${said}`);
    return said;
  }

  test.each([
    ['an unknown option', ['--no-such-option', 'true']],
    ['a command that must not be there', ['--pause', 'true']],
    ['no command', []],
  ])('says what is wrong with the command line: %s', async (_what, args) => {
    expect(await lastWords('pid1', args)).toMatch(/^[^\n]+, [^\n]+; see subreaper --help\n$/);
  });

  test('says nothing of a subreaper that somebody has run in the container', async () => {
    expect(await lastWords('below', ['--no-such-option', 'true'])).toBe('');
  });
});

describeModes(['actor'], 'no secret', (mode) => {
  test('of the arguments or the environment is in any of it', async () => {
    const secret = 'hunter2-d41d8cd9';
    const file = freshFile(`why-${secret}`);
    const script = `: ${secret}; (trap '' TERM; exec sh -c ': ${secret}; sleep 1000; :') & trap "" TERM; echo ready; read -r _; kill -KILL $$`;
    const init = await startInit({
      mode,
      options: ['--log-level', 'trace', '--grace', '100ms', '--termination-log', file],
      command: ['sh', '-c', script, secret],
      spawn: { env: { ...process.env, SECRET: secret } },
    });
    expect(await init.nextLine()).toBe('ready');
    init.kill('SIGTERM');
    await says(init, 'still running');
    init.stdin.write('\n');
    expect(await init.exit).toEqual({ code: 137, signal: null });
    expect(sentences(init.stderr()).join()).toContain('killing the remaining processes');
    expect(readFileSync(file, 'utf8')).toContain('SIGKILL');
    expect(init.stderr() + readFileSync(file, 'utf8')).not.toContain(secret);
  });
});

describeWith(['cgroups', 'namespaces'], 'a kill for memory', () => {
  /** A cgroup with this much memory. */
  const limited = () => createCgroup('memory', { 'memory.limit_in_bytes': String(48 * 2 ** 20) });
  /** Runs init in it, as one of its processes. */
  const inside = (group: string) => ['sh', '-c', enter(group), 'sh', launcher];
  /** Runs init as PID 1 of a container that sees no other cgroup. */
  const inContainer = (group: string) => [
    ...['sh', '-c', enter(group), 'sh', 'unshare', ...(unshareArguments ?? []), '--cgroup', '--'],
    ...['sh', '-c', `mount --bind ${group} /sys/fs/cgroup/memory; exec "$@"`, 'sh', launcher],
  ];
  const run = async (launch: readonly string[], script: string) => {
    const { code, stderr } = await runInit({ launch, command: ['sh', '-c', script] });
    return { code, said: sentences(stderr) };
  };

  /** Takes memory until it is killed; init itself needs less. */
  const hungry = 'echo 1000 >/proc/self/oom_score_adj; exec tail /dev/zero';
  const OTHER =
    "the workload was killed by SIGKILL: init did not send it, and the kernel counted no OOM kill in init's cgroup; " +
    'it may come from the workload itself, from another process, or from its limit on CPU time (RLIMIT_CPU)';

  test('is told, with the limit and the peak', async () => {
    expect(await run(inContainer(limited()), hungry)).toEqual({
      code: 137,
      said: [
        'the workload was killed by SIGKILL, probably from the OOM killer: limit 48 MiB, peak 48 MiB (oom_kill 1)',
      ],
    });
  });

  test('is less likely if the cgroup is older than init', async () => {
    const { said } = await run(inside(limited()), hungry);
    expect(said).toEqual([
      expect.stringMatching(
        /^the workload was killed by SIGKILL, perhaps from the OOM killer: .*, unless that kill came before init started$/,
      ),
    ]);
  });

  test('also of a child, whose end a shell passes on', async () => {
    const { code, said } = await run(inContainer(limited()), `(${hungry}); exit $?`);
    expect(code).toBe(137);
    expect(said).toEqual([
      expect.stringMatching(
        /^the workload exited with 137, .* SIGKILL may have ended one of its children, probably from the OOM killer/,
      ),
    ]);
  });

  test('is not certain: the kernel may have killed another process of the cgroup', async () => {
    const { code, said } = await run(inContainer(limited()), `(${hungry}); kill -KILL $$`);
    expect(code).toBe(137);
    expect(said).toEqual([expect.stringMatching(/SIGKILL, probably from the OOM killer/)]);
  });

  test('is told apart from another SIGKILL', async () => {
    expect((await run(inContainer(limited()), 'kill -KILL $$')).said).toEqual([OTHER]);
  });

  test('is only possible, if there was one before init started', async () => {
    const group = limited();
    expect((await run(inside(group), `(${hungry}); exit 0`)).code).toBe(0);
    expect(readFileSync(join(group, 'memory.oom_control'), 'utf8')).toMatch(/^oom_kill 1$/m);
    expect((await run(inside(group), 'kill -KILL $$')).said).toEqual([
      expect.stringMatching(
        /SIGKILL, perhaps from the OOM killer: .*, unless that kill came before init started$/,
      ),
    ]);
  });

  test('in another cgroup than init’s cannot be known, and init does not deny it', async () => {
    const group = limited();
    const below = join(group, 'below');
    const script = `mkdir ${below}; echo 0 >${below}/cgroup.procs; ${hungry}`;
    onTestFinished(() => until(() => removed(below), 'the cgroup below is empty').then(() => {}));
    expect(await run(inside(group), script)).toEqual({ code: 137, said: [OTHER] });
    expect(readFileSync(join(below, 'memory.oom_control'), 'utf8')).toMatch(/^oom_kill 1$/m);
  });
});

function removed(cgroup: string): boolean {
  try {
    rmdirSync(cgroup);
    return true;
  } catch {
    return false;
  }
}

describeWith(['strace'], 'while nothing is wrong', () => {
  test.each([
    { what: 'no process is looked at', signal: 'SIGUSR1', looks: false },
    { what: 'init looks once at a stop, who handles the signal', signal: 'SIGTERM', looks: true },
  ] as const)('nothing is loaded for it, and $what', async ({ signal, looks }) => {
    const trace = freshFile('trace');
    const init = await startInit({
      under: ['strace', '-f', '-e', 'trace=openat', '-o', trace],
      command: ['sh', '-c', 'trap "exit 0" TERM USR1; echo ready; while :; do sleep 0.01; done'],
    });
    expect(await init.nextLine()).toBe('ready');
    init.kill(signal);
    expect(await init.exit).toEqual({ code: 0, signal: null });
    const opened = readFileSync(trace, 'utf8');
    expect(opened).toContain('cli.cjs');
    expect(opened).not.toMatch(/explanations|oom_control|memory\.events|termination-log/);
    const found = /\/proc\/\d+\/(stat|status|wchan)/.exec(opened);
    expect(found !== null).toBe(looks);
    expect(opened).not.toContain('wchan');
    expect(childrenOf(init.pid)).toEqual([]);
  });
});
