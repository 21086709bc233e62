import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { detectLibc } from '../../src/native/libc.ts';
import { launcher, nodeOf, refuse } from '../helpers/environment.ts';
import { describeWith } from '../helpers/modes.ts';
import { lacking, lackOf, needs } from '../helpers/needs.ts';
import { until } from '../helpers/proc.ts';
import { type Exit, runInit, runToEnd, startInit, startProcess } from '../helpers/run-init.ts';

const root = join(launcher, '../..');
const PATH = process.env['PATH'] as string;
const hello = { command: ['echo', 'hello'] };
const greets = { code: 0, signal: null, stdout: 'hello\n', stderr: '' };

/** What, why, what to do. */
const oneLine = /^subreaper: [^\n]+, [^\n]+; [^\n]+\n$/;
const saysWhy = { code: 125, signal: null, stdout: '', stderr: expect.stringMatching(oneLine) };

function temporaryFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'subreaper-')));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

function writeScript(file: string, ...lines: readonly string[]): string {
  writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o755 });
  return file;
}

/** Copies the package with its dependencies. @returns the launcher of the copy */
function copyPackage(packageFolder: string): string {
  for (const part of ['bin', 'dist'])
    cpSync(join(root, part), join(packageFolder, part), { recursive: true });
  return join(packageFolder, 'bin/subreaper');
}

describe('variables with the names of init’s own, from outside,', () => {
  const hostile = {
    SUBREAPER_ENVIRON: 'QT0xAA==',
    SUBREAPER_SAVED: 'LD_PRELOAD NODE_OPTIONS',
    SUBREAPER_SAVED_LD_PRELOAD: '/no/such/library',
    SUBREAPER_SAVED_NODE_OPTIONS: '--no/such-option',
    SUBREAPER_PIPE: '0',
    SUBREAPER_CHILD: '1',
  };
  const seen = `env | grep -e ^LD_PRELOAD -e ^NODE_OPTIONS -e ^A= -e ^OWN -e ^SUBREAPER_[LES]`;
  const ownAlone = { code: 0, signal: null, stdout: 'OWN=own\n', stderr: '' };

  for (const [how, launch, more] of [
    ['with the launcher', [launcher], {}],
    // bash then uses files for here-documents, and a large environment fits into no variable.
    ['by a shell that saves nothing', ['bash', launcher], { BASH_COMPAT: '5.0', LARGE: 'x'.repeat(120_000) }],
    ['without a shell', ['node', launcher], {}],
  ] as const) {
    test(`change nothing ${how}`, needs(...(launch[0] === 'bash' ? (['bash'] as const) : [])), async () => {
      const env = { PATH, OWN: 'own', ...hostile, ...more };
      expect(await runInit({ launch, command: ['sh', '-c', seen], spawn: { env } })).toEqual(ownAlone);
    });
  }

  test.each([
    ['standard input', '0'],
    ['an open pipe', '3'],
    ['no descriptor', '999'],
    ['no number', 'x'],
  ])('keep no start without a shell waiting for %s', async (_, descriptor) => {
    const folder = temporaryFolder();
    // The pid is init's own, as PID 1 always has. The stranger to wait for was a child of the shell that became init.
    const values = `"$$ 1 0 0 1024 ${descriptor} $stranger 0 1 2 3"`;
    const script = `
      mkfifo ${folder}/pipe
      exec 3<>${folder}/pipe
      sleep 1000 &
      stranger=$!
      SUBREAPER_LAUNCHER=${values} exec node ${launcher} -- echo hello`;
    const init = startProcess(['sh', '-c', script]);
    expect(await init.nextLine()).toBe('hello');
    expect(await init.exit).toEqual({ code: 0, signal: null });
    expect(init.stderr()).toBe('');
  });
});

describe('a script as node', () => {
  const env = { PATH, 'a.b': '1', NODE_OPTIONS: '--no-warnings', NODE_DEBUG: 'nothing' };
  const environment = Object.entries(env).map(([name, value]) => `${name}=${value}\n`);

  /** @param lines of the script, in which NODE is the real node */
  async function runWith(lines: readonly string[], command: readonly string[], before = '') {
    const folder = temporaryFolder();
    writeScript(join(folder, 'node'), ...lines.map((line) => line.replace('NODE', process.execPath)));
    const path = `${folder}:${PATH}`;
    // env(1) sets it after the shell, which would lose names that are not identifiers.
    const script = `${before} exec env -i "$@"`;
    const variables = Object.entries({ ...env, PATH: path }).map(([name, value]) => `${name}=${value}`);
    const line = ['sh', '-c', script, 'sh', ...variables, launcher, '--', ...command];
    const running = startProcess(line);
    running.stdin.end();
    let stdout = '';
    for (;;) {
      const next = await running.nextLine().catch(() => undefined);
      if (next === undefined) break;
      stdout += `${next}\n`;
    }
    const exit: Exit = await running.exit;
    return { ...exit, stdout: stdout.replace(path, PATH), stderr: running.stderr() };
  }

  test.each([
    ['becomes node', ['#!/bin/sh', 'exec NODE "$@"']],
    ['starts node', ['#!/bin/sh', 'NODE "$@"', 'exit $?']],
    ['starts node below another shell', ['#!/bin/sh', '(NODE "$@"; exit $?)', 'exit $?']],
  ])('that %s: the workload gets its environment', async (_, lines) => {
    const exit = await runWith(lines, ['env']);
    expect(exit).toEqual({ code: 0, signal: null, stdout: environment.join(''), stderr: '' });
  });

  const descriptor = ['sh', '-c', 'cat <&7'];

  test('that starts node: the workload gets its descriptors', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'seven'), 'seven\n');
    const exit = await runWith(['#!/bin/sh', 'NODE "$@"', 'exit $?'], descriptor, `exec 7<${folder}/seven;`);
    expect(exit).toEqual({ code: 0, signal: null, stdout: 'seven\n', stderr: '' });
  });

  test('that closes all descriptors: the workload gets NODE_OPTIONS, and init keeps its own descriptors', async () => {
    const lines = [
      `#!${process.execPath}`,
      "const { spawnSync } = require('node:child_process');",
      "process.exit(spawnSync('NODE', process.argv.slice(2), { stdio: 'inherit' }).status);",
    ];
    const command = ['sh', '-c', 'echo $NODE_OPTIONS $NODE_DEBUG; exit 3'];
    const exit = await runWith(lines, command, 'exec 4</dev/null 5</dev/null 7</dev/null;');
    expect(exit).toEqual({ code: 3, signal: null, stdout: '--no-warnings nothing\n', stderr: '' });
  });

  test('that starts node: the parent of init is the script, and has not died', async () => {
    const folder = temporaryFolder();
    writeScript(join(folder, 'node'), '#!/bin/sh', `${process.execPath} "$@"`, 'exit $?');
    const exit = await runInit({
      options: ['--parent-death-signal', 'TERM'],
      ...hello,
      spawn: { env: { PATH: `${folder}:${PATH}` } },
    });
    expect(exit).toEqual(greets);
  });
});

describe('options for bash in SHELLOPTS', () => {
  describeWith(['bash'], 'of a launcher that bash runs', () => {
    const launch = ['bash', launcher];

    test.each(['noglob', 'errexit', 'nounset', 'allexport', 'noclobber', 'noglob:errexit:nounset'])(
      '%s: inherited descriptors and the environment reach the workload',
      async (SHELLOPTS) => {
        const env = { PATH, SHELLOPTS, NODE_OPTIONS: '--no-warnings' };
        const script = 'read -r _ <&3; cat <&3; tr "\\0" "\\n" </proc/$$/environ';
        const folder = temporaryFolder();
        writeFileSync(join(folder, 'three'), 'first\nthree\n');
        const outer = `exec "$@" 3<${folder}/three`;
        const command = ['sh', '-c', script];
        const exit = await runInit({ launch: ['sh', '-c', outer, 'sh', ...launch], command, spawn: { env } });
        expect(exit).toMatchObject({ code: 0, stderr: '' });
        const [three, ...entries] = exit.stdout.trimEnd().split('\n');
        expect(three).toBe('three');
        expect(entries.filter((entry) => !entry.startsWith('PWD=')).sort()).toEqual(
          Object.entries(env)
            .map(([name, value]) => `${name}=${value}`)
            .sort(),
        );
      },
    );

    // bash runs nothing, so the launcher cannot print a line. The message of bash quotes one of its lines.
    test('noexec: bash says where it stops, and that line says why', async () => {
      const exit = await runInit({ launch, ...hello, spawn: { env: { PATH, SHELLOPTS: 'noexec' } } });
      expect(exit).toMatchObject({ code: 2, signal: null, stdout: '' });
      expect(exit.stderr).toContain('take noexec out');
    });
  });
});

describe('a node that is too old', () => {
  const tooOld = {
    ...saysWhy,
    stderr: expect.stringMatching(
      /^subreaper: cannot start, node [\d.]+ is too old; use 20\.16, 22\.3 or newer\n$/,
    ),
  };

  // node ends at an option of V8 that it does not know.
  for (const version of ['16', '18']) {
    for (const shell of ['dash', 'bash', 'busybox', 'mksh'] as const) {
      describeWith([`node-${version}`, shell], `${version}, by ${shell}`, () => {
        test('one line says which are new enough', async () => {
          const launch = [...(shell === 'busybox' ? ['busybox', 'sh'] : [shell]), launcher];
          const env = { PATH: `${nodeOf(version)}:${PATH}` };
          const exit = await runInit({ launch, ...hello, spawn: { env } });
          expect(exit).toEqual(tooOld);
        });
      });
    }
  }

  // It does not know the syntax of the rest.
  describeWith(['node-14'], '14, without a shell', () => {
    test('one line says which are new enough', async () => {
      expect(await runInit({ launch: [`${nodeOf('14')}/node`, launcher], ...hello })).toEqual(tooOld);
    });
  });
});

describe('too few descriptors', () => {
  const limits = Array.from({ length: 20 }, (_, index) => index + 4);

  /** Only the standard streams are open then: vitest's descriptors use up none of the few. */
  const run = (launch: readonly string[], limit: number) => {
    const script = `ulimit -n ${limit}; exec "$@"`;
    return runInit({ launch: ['sh', '-c', script, 'sh', ...launch], ...hello, spawn: { env: { PATH } } });
  };

  // A shell keeps its script open at 10 or above. With a limit below 12 or so it cannot, and ends with its own message.
  for (const [shell, canRead] of [
    ['dash', 12],
    ['bash', 6],
    ['busybox', 13],
    ['mksh', 15],
  ] as const) {
    describeWith([shell], `by ${shell}`, () => {
      const launch = [...(shell === 'busybox' ? ['busybox', 'sh'] : [shell]), launcher];
      test.each(limits)('%i: a line says how many are needed, or the shell itself ends', async (limit) => {
        const exit = await run(launch, limit);
        if (limit >= canRead) {
          expect(exit).toEqual(saysWhy);
          return;
        }
        expect(exit).toMatchObject({
          code: expect.toSatisfy((code) => code > 0),
          signal: null,
          stdout: '',
        });
        expect(exit.stderr).not.toContain('PATH');
      });

      test('24 are enough', async () => {
        expect(await run(launch, 24)).toEqual(greets);
      });
    });
  }
});

describe('a low soft limit of descriptors, which node can raise,', () => {
  // musl's posix_spawn(3) opens a pipe below that limit, and node itself has more than 20 descriptors.
  const lowest = detectLibc() === 'musl' ? 24 : 20;

  test('is the workload’s', async () => {
    const launch = ['sh', '-c', `ulimit -Sn ${lowest}; exec "$@"`, 'sh', launcher];
    const exit = await runInit({ launch, command: ['sh', '-c', 'ulimit -Sn'], spawn: { env: { PATH } } });
    expect(exit).toEqual({ ...greets, stdout: `${lowest}\n` });
  });
});

const isMusl = detectLibc() === 'musl' ? undefined : 'a node that is linked to musl: npm run suite musl';

test(
  'with musl, a soft limit that leaves posix_spawn(3) no descriptor: one line',
  lacking(isMusl),
  async () => {
    const launch = ['sh', '-c', 'ulimit -Sn 15; exec "$@"', 'sh', launcher];
    expect(await runInit({ launch, ...hello, spawn: { env: { PATH } } })).toEqual({ ...saysWhy, code: 126 });
  },
);

describe('too few processes', () => {
  // Another test uses a cgroup: test/faults/cgroups.test.ts.
  test(
    'RLIMIT_NPROC of 1, as a user of its own: one line',
    needs('root', 'util-linux', 'prlimit'),
    async () => {
      // No other process of the machine belongs to this user, who may read a checkout that only root may enter.
      const read = '-all,+dac_read_search';
      const user = [
        ...['setpriv', '--reuid', '64321', '--regid', '64321', '--clear-groups'],
        ...['--inh-caps', read, '--ambient-caps', read],
      ];
      const launch = [...user, 'prlimit', '--nproc=1', 'sh', launcher];
      expect(await runInit({ launch, ...hello, spawn: { cwd: '/' } })).toEqual(saysWhy);
    },
  );
});

describeWith(['refuse'], 'system calls that a seccomp profile refuses', () => {
  test.each([
    ['getrlimit,setrlimit,prlimit64', 'EPERM'],
    ['getrlimit,setrlimit,prlimit64', 'ENOSYS'],
    ['setrlimit', 'EPERM'],
  ])('%s with %s: the workload runs', async (calls, errno) => {
    const byBash = lackOf('bash') === undefined ? [['bash', launcher]] : [];
    for (const launch of [[launcher], ...byBash, ['node', launcher]]) {
      expect(await runInit({ launch: [refuse, calls, errno, ...launch], ...hello })).toEqual(greets);
    }
  });
});

describe('node’s permission model, without a shell', () => {
  const permission = process.allowedNodeEnvironmentFlags.has('--permission')
    ? '--permission'
    : '--experimental-permission';

  test.each([`--allow-fs-read=${root}/bin`, '--allow-fs-read=*'])(
    'with %s alone: the line says to allow addons',
    async (flag) => {
      const exit = await runInit({ launch: ['node', '--no-warnings', permission, flag, launcher], ...hello });
      expect(exit).toMatchObject({ code: 125, stdout: '' });
      expect(exit.stderr).toMatch(
        /^subreaper: cannot start, [^\n]+; start node with [^\n]*--allow-addons\n$/,
      );
    },
  );
});

describe('a damaged installation', () => {
  let folder: string;
  let copy: string;
  let addon: string;
  let whole: Buffer;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'subreaper-'));
    copy = copyPackage(folder);
    const modules = (name: string) => join(folder, 'node_modules', name);
    cpSync(join(root, 'node_modules/koffi'), modules('koffi'), { recursive: true, dereference: true });
    const platform = `@koromix/koffi-linux-${process.arch}`;
    cpSync(join(root, 'node_modules', platform), modules(platform), { recursive: true, dereference: true });
    const library = detectLibc() === 'musl' ? 'musl' : 'linux';
    addon = join(modules(platform), `${library}_${process.arch}/koffi.node`);
    whole = readFileSync(addon);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test.each([0, 1, 63, 64, 4096, 100_000, -1])('koffi.node cut at %i: one line', async (size) => {
    truncateSync(addon, size < 0 ? whole.length + size : size);
    onTestFinished(() => writeFileSync(addon, whole));
    expect(await runInit({ launch: [copy], ...hello })).toEqual(saysWhy);
  });

  test('koffi.node whole: the workload runs', async () => {
    expect(await runInit({ launch: [copy], ...hello })).toEqual(greets);
  });

  test('dist/cli.cjs cut: one line', async () => {
    const path = join(folder, 'dist/cli.cjs');
    const text = readFileSync(path);
    truncateSync(path, Math.floor(text.length / 2));
    onTestFinished(() => writeFileSync(path, text));
    const { code, stderr } = await runInit({ launch: [copy], command: ['sleep', '1000'] });
    expect({ code, stderr }).toEqual({ code: 125, stderr: expect.stringMatching(/^subreaper: [^\n]+\n$/) });
  });
});

describe('the script that pnpm makes of the program', () => {
  let shim: string;
  let others: string;
  let folder: string;
  beforeAll(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'subreaper-')));
    const store = join(folder, 'node_modules/.pnpm');
    const packageFolder = join(store, 'subreaper@0.1.0/node_modules/subreaper');
    copyPackage(packageFolder);
    for (const name of ['koffi', '@koromix'])
      symlinkSync(join(root, 'node_modules', name), join(packageFolder, '..', name));
    mkdirSync(join(folder, 'node_modules/.bin'));
    others = `${packageFolder}/node_modules:${packageFolder.slice(0, -'/subreaper'.length)}:${store}/node_modules`;
    shim = join(folder, 'node_modules/.bin/subreaper');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** The shim that pnpm 10 writes. */
  const write = (added: string) =>
    writeScript(
      shim,
      '#!/bin/sh',
      'basedir=$(dirname "$(echo "$0" | sed -e \'s,\\\\,/,g\')")',
      'if [ -z "$NODE_PATH" ]; then',
      `  export NODE_PATH="${added}"`,
      'else',
      `  export NODE_PATH="${added}:$NODE_PATH"`,
      'fi',
      'exec /bin/sh "$basedir/../.pnpm/subreaper@0.1.0/node_modules/subreaper/bin/subreaper" "$@"',
    );

  const command = ['sh', '-c', 'env | grep ^NODE_PATH= || echo none'];
  const see = async (NODE_PATH?: string) => {
    const env = NODE_PATH === undefined ? { PATH } : { PATH, NODE_PATH };
    return (await runInit({ launch: [shim], command, spawn: { env } })).stdout.trimEnd();
  };

  test('leaves no NODE_PATH to the workload', async () => {
    write(others);
    expect(await see()).toBe('none');
    expect(await see('/own')).toBe('NODE_PATH=/own');
    expect(await see('/own:/more')).toBe('NODE_PATH=/own:/more');
  });

  test('nor one with a folder more, as older versions have it', async () => {
    write(`${others.split(':')[0]?.replace(/node_modules$/, 'bin/node_modules')}:${others}`);
    expect(await see()).toBe('none');
    expect(await see('/own')).toBe('NODE_PATH=/own');
  });

  test('made elsewhere: nobody can tell, and NODE_PATH stays', async () => {
    write('/elsewhere/node_modules');
    expect(await see('/own')).toBe('NODE_PATH=/elsewhere/node_modules:/own');
  });
});

describe('an ignored SIGHUP', () => {
  test('does not end init while it reads what the launcher saved', needs('sh-by-path'), async () => {
    const folder = temporaryFolder();
    writeScript(
      join(folder, 'cat'),
      '#!/bin/sh',
      `while [ ! -e ${folder}/go ]; do sleep 0.01; done`,
      'exec /bin/cat',
    );
    const init = await startInit({
      launch: ['sh', '-c', 'trap \'\' HUP; exec "$@"', 'sh', launcher],
      ...hello,
      spawn: { env: { PATH: `${folder}:${PATH}` } },
    });
    // The number of read(2) on x64 and arm64, and the descriptor of the pipe.
    await until(
      () => /^(0|63) 0x3 /.test(readFileSync(`/proc/${init.pid}/syscall`, 'latin1')) && isNode(init.pid),
      'init reads',
    );
    init.kill('SIGHUP');
    writeFileSync(join(folder, 'go'), '');
    expect(await init.nextLine()).toBe('hello');
    expect(await init.exit).toEqual({ code: 0, signal: null });
  });

  /** Before that, the shell reads from the same descriptor. */
  const isNode = (pid: number) => readFileSync(`/proc/${pid}/cmdline`, 'latin1').startsWith('node\0');
});

describe('a working directory that has been deleted', () => {
  /** Runs it there. `bin/subreaper` beside the directory is the launcher. */
  function runDeleted(line: readonly string[]) {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'bin'));
    mkdirSync(join(folder, 'deleted'));
    symlinkSync(launcher, join(folder, 'bin/subreaper'));
    const script = 'cd "$0/deleted" && rmdir "$0/deleted" && exec "$@"';
    return startProcess(['sh', '-c', script, folder, ...line]);
  }
  const deleted = 'the working directory has been deleted, or cannot be searched';

  for (const shell of ['dash', 'bash', 'busybox', 'mksh'] as const) {
    describeWith([shell], `by ${shell}`, () => {
      const start = shell === 'busybox' ? ['busybox', 'sh'] : [shell];

      test('one line for a relative path', async () => {
        const exit = await runToEnd(runDeleted([...start, '../bin/subreaper', '--', 'echo', 'hello']));
        expect(exit).toMatchObject({ code: 125, signal: null, stdout: '' });
        // Behind what the shell itself says of it.
        expect(exit.stderr).toMatch(
          new RegExp(`(^|\\n)subreaper: cannot start, ${deleted}; start it by its absolute path\\n$`),
        );
      });

      test('the workload runs where the path is absolute', async () => {
        const exit = await runToEnd(runDeleted([...start, launcher, '--', 'echo', 'hello']));
        expect(exit).toMatchObject({ code: 0, stdout: 'hello\n' });
        expect(exit.stderr).not.toContain('subreaper');
      });
    });
  }

  test.each(['--report', '--trace', '--termination-log'])(
    'a relative path for %s is refused in one line',
    async (option) => {
      const exit = await runToEnd(runDeleted(['node', launcher, option, 'file', '--', 'echo', 'hello']));
      expect(exit).toEqual(saysWhy);
      expect(exit.stderr).toContain(`${option} cannot be 'file', ${deleted}; try an absolute path\n`);
    },
  );

  test('a relative path from a directory that is there still works', async () => {
    const exit = await runToEnd(startProcess(['bin/subreaper', '--', 'echo', 'hello'], { cwd: root }));
    expect(exit).toEqual(greets);
  });
});
