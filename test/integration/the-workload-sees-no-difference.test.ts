import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { actor, launcher, unshareArguments } from '../helpers/environment.ts';
import { describeWith } from '../helpers/modes.ts';
import { needs } from '../helpers/needs.ts';
import { childrenOf, statusField, until } from '../helpers/proc.ts';
import { runInit, startInit, startProcess } from '../helpers/run-init.ts';

/** What a workload can see of itself. The first runs without a shell, because dash changes its signal mask around a fork. */
const probes = [
  'cat /proc/self/status',
  'cat /proc/self/limits',
  'env -0',
  'ls -l /proc/self/fd',
  `sh -c 'umask; pwd'`,
];

/** Fields of /proc/pid/status that differ from run to run: process IDs, memory, scheduler counters. */
const differsAnyway = /^(Pid|PPid|Tgid|Ngid|NS[a-z]+|Vm\w+|Rss\w+|Hugetlb\w+|SigQ|\w*ctxt_switches):/;

/** Removes the times of ls, the numbers of pipes, and the descriptor with which ls reads its folder. */
function comparable(line: string): string {
  return line
    .replaceAll('\0', '\n')
    .replace(/^[-lrwx]+ .* (\d+( -> |$))/, '$1')
    .replace(/(pipe|socket):\[\d+\]/, '$1')
    .replace(/\/proc\/\d+\/fd/, '/proc/PID/fd');
}

async function output(line: readonly string[], env?: NodeJS.ProcessEnv, cwd?: string): Promise<string[]> {
  const running = startProcess(line, {
    ...(env && { env }),
    ...(cwd && { cwd }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  for (;;) {
    const next = await running.nextLine().catch(() => undefined);
    if (next === undefined) break;
    if (differsAnyway.test(next)) continue;
    lines.push(comparable(next));
  }
  // busybox's ls says that the descriptor with which it read the folder is closed.
  const cannotRead = /^ls: \/proc\/self\/fd\/\d+: cannot read link: .*\n/;
  expect(running.stderr().replace(cannotRead, '')).toBe('');
  expect(await running.exit).toEqual({ code: 0, signal: null });
  return lines;
}

describe('a workload sees the same with and without subreaper in front', () => {
  /** `before` is a shell script, in which COMMAND runs with or without init. */
  async function compare(before: string, env: NodeJS.ProcessEnv = {}, cwd?: string): Promise<string[]> {
    const environment = { PATH: process.env['PATH'], ...env };
    const see = async (init: string) => {
      const lines: string[] = [];
      for (const probe of probes) {
        const scene = before.replace('COMMAND', () => `${init} ${probe}`);
        lines.push(...(await output(['sh', '-c', scene], environment, cwd)));
      }
      return lines;
    };
    const without = await see('');
    const withInit = await see(`${launcher} --`);
    expect(withInit).toEqual(without);
    return withInit;
  }

  test('started by a shell', async () => {
    const seen = await compare('COMMAND', { PWD: '/nonsense', LANG: 'C.UTF-8' });
    expect(seen.length).toBeGreaterThan(40);
  });

  // A command that busybox's sh executes without a fork ignores SIGQUIT, as that shell does.
  test('with an ignored SIGHUP', async () => {
    const seen = await compare("trap '' HUP; COMMAND");
    expect(seen).toContainEqual(expect.stringMatching(/^SigIgn:\t0{15}[15]$/));
  });

  test('with ignored real-time signals and an ignored fault signal', needs('actor'), async () => {
    const seen = await compare(`${actor} ignore 40 ${actor} ignore 6 ${actor} ignore 13 COMMAND`);
    expect(seen).toContainEqual(expect.stringMatching(/^SigIgn:\t000000800000102[04]$/));
  });

  test('with a blocked SIGTERM', needs('actor'), async () => {
    expect(await compare(`${actor} block 15,50 COMMAND`)).toContain('SigBlk:\t0002000000004000');
  });

  test('with a lowered soft limit of descriptors', async () => {
    const seen = await compare('ulimit -Sn 321; COMMAND');
    expect(seen.find((line) => line.startsWith('Max open files'))).toMatch(/ 321 /);
  });

  test('with a low hard limit of descriptors', async () => {
    await compare('ulimit -n 64; COMMAND');
  });

  test('with an inherited descriptor 7', async () => {
    expect(await compare('COMMAND 7</etc/passwd 8>/dev/null')).toContain('7 -> /etc/passwd');
  });

  test.each([3, 4, 5, 6, 7, 8, 9])(
    'with every descriptor from 3 to 10 taken but %i',
    needs('bash'),
    async (free) => {
      const taken = [3, 4, 5, 6, 7, 8, 9].filter((descriptor) => descriptor !== free);
      const redirections = taken.map((descriptor) => `${descriptor}</etc/passwd`).join(' ');
      await compare(`exec bash -c 'exec 10</dev/null; exec "$@"' bash COMMAND ${redirections}`);
    },
  );

  test('with every descriptor from 3 to 10 taken', needs('bash'), async () => {
    const redirections = [3, 4, 5, 6, 7, 8, 9].map((descriptor) => `${descriptor}</etc/passwd`).join(' ');
    await compare(`exec bash -c 'exec 10</dev/null; exec "$@"' bash COMMAND ${redirections}`);
  });

  test('with closed standard streams', async () => {
    await compare('COMMAND 0<&-');
  });

  test('with NODE_OPTIONS and other variables that node would act on', async () => {
    const seen = await compare('COMMAND', {
      NODE_OPTIONS: '--inspect=0',
      NODE_CHANNEL_FD: '99',
      NODE_V8_COVERAGE: '/nowhere',
    });
    expect(seen).toContainEqual(expect.stringContaining('NODE_OPTIONS=--inspect=0\n'));
  });

  test('with a changed umask and another directory', async () => {
    expect(await compare('umask 027; COMMAND', {}, '/usr')).toEqual(expect.arrayContaining(['0027', '/usr']));
  });

  test('with variables whose names no shell can hold, an empty one, and a line break in a value', async () => {
    const names = { 'a.b': '1', 'with-dash': '2', EMPTY: '', LINES: 'one\ntwo', CONTROL: 'a\u0001b' };
    // env(1) sets them after the shell, which could not.
    const set = Object.entries(names)
      .map(([name, value]) => `'${name}=${value}'`)
      .join(' ');
    expect(await compare(`env -u PWD ${set} COMMAND`)).toContainEqual(expect.stringContaining('a.b=1\n'));
  });

  test('with an environment of 300 KB', async () => {
    const big = Object.fromEntries(
      Array.from({ length: 3000 }, (_, index) => [`BIG_${index}`, 'x'.repeat(90)]),
    );
    const sorted = async (line: string[]) =>
      (await output(line, { PATH: process.env['PATH'], PWD: process.cwd(), ...big })).sort();
    expect(await sorted([launcher, '--', 'env'])).toEqual(await sorted(['env']));
  });

  test('with bytes in arguments and environment that are not UTF-8', async () => {
    const line = (...init: string[]) => [
      'sh',
      '-c',
      `exec env "X=$(printf 'a\\377b')" ${init.join(' ')} sh -c 'printf "%s %s" "$X" "$1" | od -c' sh "$(printf 'c\\376d')"`,
    ];
    expect(await output(line(launcher, '--'))).toEqual(await output(line()));
  });
});

describeWith([], 'what node would take for itself is the workload’s', () => {
  // If 3 to 9 are open, there is no pipe, and a large environment does not fit into a variable either.
  for (const [size, padding, more] of [
    ['small', '', 0],
    ['large', 'x'.repeat(120_000), 0],
    ['small, and no descriptor free', '', 6],
    ['large, and no descriptor free', 'x'.repeat(120_000), 6],
  ] as const) {
    test(`an IPC channel, with an environment that is ${size}`, async () => {
      const script =
        'process.send("hello"); process.on("message", (m) => { console.log(m); process.disconnect(); })';
      const child = spawn(launcher, ['--', 'node', '-e', script], {
        stdio: ['ignore', 'pipe', 'inherit', 'ipc', ...Array<'ignore'>(more).fill('ignore')],
        env: { ...process.env, PADDING: padding },
      });
      onTestFinished(() => void child.kill('SIGKILL'));
      let output = '';
      child.stdout?.on('data', (chunk) => {
        output += chunk;
      });
      expect(await new Promise((resolve) => child.once('message', resolve))).toBe('hello');
      child.send('answer');
      const [code] = await once(child, 'close');
      expect({ code, output }).toEqual({ code: 0, output: 'answer\n' });
    });
  }

  test('NODE_OPTIONS does not load into init', async () => {
    const env = { ...process.env, NODE_OPTIONS: '--require /no/such/module' };
    expect(await runInit({ command: ['sh', '-c', 'echo $NODE_OPTIONS'], spawn: { env } })).toMatchObject({
      code: 0,
      stdout: '--require /no/such/module\n',
    });
  });
});

describeWith(['mounts'], 'names and the locale', () => {
  const register = ['--import', 'subreaper/register'];
  const app = `
    import { lookup } from 'node:dns/promises';
    const { LANG, LC_ALL, LOCALDOMAIN, RES_OPTIONS } = process.env;
    const addresses = await Promise.all(['localhost', 'a-name-of-hosts'].map((name) => lookup(name, { family: 4 })));
    const { locale } = new Intl.NumberFormat().resolvedOptions();
    console.log(JSON.stringify([addresses, locale, (1.5).toLocaleString(), LANG, LC_ALL, LOCALDOMAIN, RES_OPTIONS]));`;
  const node = (...flags: string[]) => ['node', ...flags, '--input-type=module', '-e', app];

  test('are those without init, below it and in an app that is its own init', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'subreaper-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const hosts = join(folder, 'hosts');
    writeFileSync(hosts, '127.0.0.1 localhost\n192.0.2.7 a-name-of-hosts\n');
    const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
    const script = `mount --bind ${hosts} /etc/hosts && exec "$@"`;
    const within = ['unshare', ...user, '--mount', 'sh', '-c', script, 'sh'];
    const locale = { LANG: 'C.UTF-8', LC_ALL: 'de_DE.UTF-8' };
    const env = { PATH: process.env['PATH'], ...locale, LOCALDOMAIN: 'example', RES_OPTIONS: 'attempts:1' };
    const see = (...line: string[]) => output([...within, ...line], env);
    const [seen = ''] = await see(...node());
    expect(JSON.parse(seen).slice(0, 3)).toEqual([
      [
        { address: '127.0.0.1', family: 4 },
        { address: '192.0.2.7', family: 4 },
      ],
      'de-DE',
      '1,5',
    ]);
    expect(await see(launcher, '--', ...node())).toEqual([seen]);
    expect(await see(...node(...register))).toEqual([seen]);
  });
});

describeWith(['namespaces'], 'what the launcher starts for itself', () => {
  test.each([
    ['the version', ['--version'], 0],
    ['the help', ['--help'], 0],
    ['an error in its options', ['--nonsense'], 125],
    ['a command that is not there', ['--', '/no/such/command'], 127],
  ])('is no zombie of a PID 1 that does not reap after %s', async (_, args, code) => {
    const script = `
      const { status } = require('node:child_process').spawnSync('${launcher}', ${JSON.stringify(args)});
      console.log(status, require('node:fs').readFileSync('/proc/1/task/1/children', 'utf8'));`;
    const pid1 = startProcess(['unshare', ...(unshareArguments ?? []), 'node', '-e', script]);
    expect(await pid1.nextLine()).toBe(`${code} `);
  });

  test('is not there any more when the workload runs', async () => {
    const command = ['sh', '-c', 'echo $$ $(cat /proc/1/task/1/children); exec sleep 1000'];
    const init = await startInit({ mode: 'pid1', command });
    const [workload, ...children] = (await init.nextLine()).split(' ').map(Number) as [number, ...number[]];
    // In a new namespace pids ascend. init itself may fork for a moment after the workload's start.
    expect(children.filter((pid) => pid <= workload)).toEqual([workload]);
    await until(() => childrenOf(init.pid).length === 1, 'init has one child');
  });
});

describeWith(['namespaces'], 'a signal while init reads what the launcher saved', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'subreaper-'));
    const script = `#!/bin/sh\nwhile [ ! -e ${folder}/go ]; do sleep 0.01; done\nexec /bin/cat\n`;
    writeFileSync(join(folder, 'cat'), script, { mode: 0o755 });
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('does not keep PID 1 from starting the workload', needs('sh-by-path'), async () => {
    const env = { ...process.env, PATH: `${folder}:${process.env['PATH']}` };
    const init = await startInit({ mode: 'pid1', command: ['sh', '-c', 'echo runs'], spawn: { env } });
    // The number of read(2) on x64 and arm64, and the descriptor of the pipe.
    const isReading = () => /^(0|63) 0x3 /.test(readFileSync(`/proc/${init.pid}/syscall`, 'latin1'));
    await until(isReading, 'init reads');
    init.kill('SIGTERM');
    await until(() => !statusField(init.pid, 'ShdPnd').includes('4') && isReading(), 'init reads again');
    writeFileSync(join(folder, 'go'), '');
    expect(await init.nextLine()).toBe('runs');
    expect(await init.exit).toEqual({ code: 0, signal: null });
  });
});

describeWith(['namespaces'], 'without /proc', () => {
  test('the workload runs, with its NODE_OPTIONS', async () => {
    const script = `umount -l /proc && exec ${launcher} -- sh -c 'echo $NODE_OPTIONS; exit 4'`;
    const outer = startProcess(['unshare', ...(unshareArguments ?? []), '--mount', 'sh', '-c', script], {
      env: { ...process.env, NODE_OPTIONS: '--no-warnings' },
    });
    expect(await outer.nextLine()).toBe('--no-warnings');
    expect(await outer.exit).toEqual({ code: 4, signal: null });
  });
});

describe('the launcher is found and works', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'sub reaper '));
    symlinkSync(launcher, join(folder, 'subreaper'));
    writeFileSync(join(folder, 'shim'), `#!/bin/sh\nexec /bin/sh "${launcher}" "$@"\n`, { mode: 0o755 });
    symlinkSync(join(launcher, '../..'), join(folder, 'package'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const command = ['sh', '-c', 'echo "$1"; exit 3', 'sh', 'a  b'];
  const expected = { code: 3, signal: null, stdout: 'a  b\n', stderr: '' };

  test('through a symbolic link, as npm makes it in .bin, with a space in the path', async () => {
    expect(await runInit({ launch: [join(folder, 'subreaper')], command })).toEqual(expected);
  });

  test('by PATH', async () => {
    const env = { ...process.env, PATH: `${folder}:${process.env['PATH']}` };
    expect(await runInit({ launch: ['env', 'subreaper'], command, spawn: { env } })).toEqual(expected);
  });

  test('through a shim, as pnpm writes it', async () => {
    expect(await runInit({ launch: [join(folder, 'shim')], command })).toEqual(expected);
  });

  test('in a folder reached by a link', async () => {
    expect(await runInit({ launch: [join(folder, 'package/bin/subreaper')], command })).toEqual(expected);
  });

  test('by node, without a shell', async () => {
    expect(await runInit({ launch: ['node', launcher], command })).toEqual(expected);
  });

  for (const shell of ['dash', 'bash', 'busybox', 'mksh'] as const) {
    describeWith([shell], `by ${shell}`, () => {
      const launch = [...(shell === 'busybox' ? ['busybox', 'sh'] : [shell]), launcher];

      test('as /bin/sh', async () => {
        expect(await runInit({ launch, command })).toEqual(expected);
      });

      // bash and busybox themselves ignore SIGQUIT.
      test.each<[string, string]>([
        ['nothing', '0'],
        ['QUIT', '4'],
        ['HUP INT TERM', '4003'],
      ])('as /bin/sh, with the ignored signals as they are: %s', async (ignored, mask) => {
        const script = ignored === 'nothing' ? 'exec "$@"' : `trap '' ${ignored}; exec "$@"`;
        const before = ['sh', '-c', script, 'sh', ...launch];
        const exit = await runInit({ launch: before, command: ['grep', 'SigIgn', '/proc/self/status'] });
        expect(exit).toEqual({ ...expected, code: 0, stdout: `SigIgn:\t${mask.padStart(16, '0')}\n` });
      });

      // bash then uses files for here-documents, as before 5.1.
      const older = shell === 'bash' ? ['5.0'] : [];
      test.each([undefined, ...older])('as /bin/sh, with the environment as it is: %s', async (version) => {
        const compatibility = version === undefined ? {} : { BASH_COMPAT: version };
        const env = { Z: '1', 'a.b': 'x\ny\n', ...compatibility, PATH: process.env['PATH'] };
        const stdout = Object.entries(env)
          .map(([name, value]) => `${name}=${value}\n`)
          .join('');
        const exit = await runInit({ launch, command: ['env'], spawn: { env } });
        expect(exit).toMatchObject({ code: 0, stdout, stderr: '' });
      });
    });
  }

  test('not without node in PATH: one line and 125', async () => {
    const exit = await runInit({ launch: ['/bin/sh', launcher], command, spawn: { env: { PATH: folder } } });
    expect(exit).toMatchObject({ code: 125, stdout: '' });
    expect(exit.stderr).toMatch(/^subreaper: [^\n]+node is not in PATH[^\n]+\n$/);
  });
});
