import {
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { describeModes, describeWith } from '../helpers/modes.ts';
import { descendantsOf, until } from '../helpers/proc.ts';
import { type InitOptions, runInit, startInit } from '../helpers/run-init.ts';

const secret = 'hunter2-d41d8cd9';

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'subreaper-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** Everything that init can write into, at the level at which it says most. */
function loud(folder: string, format: string): string[] {
  const ended = ['--report', `${folder}/report.json`, '--trace', `${folder}/trace.json`];
  const files = [...ended, '--termination-log', `${folder}/why`];
  return ['--log-level', 'trace', '--log-format', format, ...files];
}

/** The secret is in the environment, also as a name. The tests put it into the arguments. */
const env = { ...process.env, SECRET: secret, [secret]: '1' };

const contents = (folder: string) =>
  readdirSync(folder)
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join('\n');

describeModes([], 'a secret in the environment and in the arguments is told nowhere', (mode) => {
  async function told(init: Omit<InitOptions, 'mode' | 'spawn'>, code: number): Promise<string> {
    const exit = await runInit({ mode, spawn: { env }, ...init });
    expect(exit).toMatchObject({ code, signal: null });
    return `${exit.stdout}\n${exit.stderr}`;
  }

  test.each(['json', 'pretty'])(
    'by a workload that fails, is restarted and leaves others behind: %s',
    async (format) => {
      const folder = temporaryFolder();
      const script = `(trap '' TERM; exec sh -c 'sleep 1000; : ${secret}' ${secret}) & exit 7`;
      const options = [...loud(folder, format), '--restart', 'on-failure:1', '--grace', '100ms'];
      const text = await told({ options, command: ['sh', '-c', script, secret] }, 7);
      expect(text).toContain('workload ended');
      expect(readdirSync(folder)).toEqual(expect.arrayContaining(['report.json', 'trace.json']));
      expect(text + contents(folder)).not.toContain(secret);
    },
  );

  test.each(['json', 'pretty'])('by a slow stop, and by survivors: %s', async (format) => {
    const folder = temporaryFolder();
    const survivor = `setsid sh -c 'trap "" TERM; sleep 1000; : ${secret}' ${secret}`;
    const init = await startInit({
      mode,
      options: [...loud(folder, format), '--stop-timeout', '2500ms', '--scope', 'tree'],
      command: ['sh', '-c', `trap '' TERM; ${survivor} & echo ready; read -r _; : ${secret}`, secret],
      spawn: { env },
    });
    expect(await init.nextLine()).toBe('ready');
    await until(() => descendantsOf(init.pid).some(({ name }) => name === 'sleep'), 'the survivor runs');
    init.kill('SIGTERM');
    expect(await init.exit).toEqual({ code: 137, signal: null });
    expect(init.stderr()).toContain('the workload is still running 2 s after SIGTERM');
    expect(readFileSync(`${folder}/why`, 'utf8')).toContain('stop timeout');
    expect(init.stderr() + contents(folder)).not.toContain(secret);
  });

  test.each([
    ['is not there', 'no-such-command', 127],
    ['is not there, by its path', '/no/such/command', 127],
    ['is a folder', '/', 126],
    ['must not be run', '/etc/passwd', 126],
    ['needs another interpreter', 'SCRIPT', 126],
    ['is one word with its arguments', `no-such-command --password=${secret}`, 127],
    ['is one word with the arguments of a program that is there', `sh --password=${secret}`, 127],
    ['is the path of no file, with arguments', `/no/such --password ${secret}`, 127],
    ['is a variable', `DB_PASSWORD=${secret}`, 127],
    ['is a variable and a command', `DB_PASSWORD=${secret} true`, 127],
    ['is an option', `--password=${secret}`, 127],
  ])('by a command that %s', async (_, name, code) => {
    const folder = temporaryFolder();
    const script = join(temporaryFolder(), 'script');
    writeFileSync(script, '#!/no/such/interpreter\n', { mode: 0o755 });
    const options = loud(folder, 'json');
    const text = await told(
      { options, command: [name.replace('SCRIPT', script), `--token=${secret}`] },
      code,
    );
    expect(text).toMatch(/^subreaper: /m);
    expect(text + contents(folder)).not.toContain(secret);
  });

  test.each([['doctor'], ['doctor', '--json']])('by %s %s', async (...options) => {
    for (const command of [['sh', '-c', `: ${secret}`, secret], [`A=/${secret}`], [`app\t/${secret}`]]) {
      const text = await told({ options, command }, 0);
      expect(text.length).toBeGreaterThan(500);
      expect(text).not.toContain(secret);
    }
  });

  test.each(['tini', 'dumb-init', 'catatonit', 'docker-init'])('by the words of %s', async (dialect) => {
    for (const command of [`no-such-command ${secret}`, `DB_PASSWORD=${secret}`]) {
      const exit = await runInit({
        mode,
        options: ['--dialect', dialect],
        command: [command],
        spawn: { env },
      });
      expect(exit.stderr).not.toBe('');
      expect(exit.stdout + exit.stderr).not.toContain(secret);
    }
  });

  test('by a mistake in the options', async () => {
    const mistakes = [
      [`--tokn=${secret}`],
      ['--pause'],
      ['--grace', 'soon'],
      ['prepare'],
      ['doctor', `--tokn=${secret}`],
    ];
    for (const options of mistakes) {
      expect(await told({ options, command: ['true', secret] }, 125)).not.toContain(secret);
    }
  });
});

describeWith(['namespaces'], 'a link that somebody has put where init writes', () => {
  test('is not followed, though the name of an unfinished report can be told', async () => {
    const folder = temporaryFolder();
    const target = join(folder, 'target');
    writeFileSync(target, 'theirs');
    const report = join(folder, 'report.json');
    symlinkSync(target, `${report}.1.unfinished`);
    const { code, stderr } = await runInit({
      mode: 'pid1',
      options: ['--report', report],
      command: ['true'],
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(readFileSync(target, 'utf8')).toBe('theirs');
    // The link has gone, and an unfinished file of an init that was killed would have gone as well.
    expect(readdirSync(folder).toSorted()).toEqual(['report.json', 'target']);
    expect(lstatSync(report).isFile()).toBe(true);
  });
});

describeWith(['strace'], 'where somebody else may write', () => {
  test('init follows no link, looks at nothing twice, and deletes only files', async () => {
    const folder = temporaryFolder();
    const calls = temporaryFolder();
    const { code } = await runInit({
      // A file for each thread: in one for all, the line of a call may be torn.
      under: ['strace', '-ff', '-e', 'trace=%file', '-o', join(calls, 'of')],
      options: loud(folder, 'json'),
      command: ['sh', '-c', 'kill -USR1 $$'],
    });
    expect(code).toBe(138);
    const made = contents(calls)
      .split('\n')
      .filter((call) => call.includes(`"${folder}/`) && !call.includes('execve('))
      // Older architectures have unlink(2), newer ones unlinkat(2) with flags.
      .map((call) => call.replaceAll(`${folder}/`, '').replace(/\.\d+\.unfinished/g, '.part'));
    const ofWhole = (name: string) => [
      expect.stringMatching(new RegExp(`^(statx|lstat|newfstatat)\\(.*"${name}", .*ENOENT`)),
      expect.stringMatching(new RegExp(`^unlink(at)?\\((AT_FDCWD, )?"${name}\\.part"(, 0)?\\) .*ENOENT`)),
      expect.stringMatching(
        new RegExp(`"${name}\\.part", O_WRONLY\\|O_CREAT\\|O_EXCL\\|O_NOFOLLOW\\|O_CLOEXEC, 0600`),
      ),
      expect.stringMatching(new RegExp(`^rename(at2?)?\\(.*"${name}\\.part", .*"${name}"`)),
    ];
    const by = (name: string) => made.filter((call) => call.includes(`"${name}`));
    expect(by('report.json')).toEqual(ofWhole('report.json'));
    expect(by('trace.json')).toEqual(ofWhole('trace.json'));
    expect(by('why')).toEqual([expect.stringMatching(/"why", O_WRONLY\|O_CREAT\|.*O_NOFOLLOW/)]);
    expect(made).toHaveLength(9);
  });
});
