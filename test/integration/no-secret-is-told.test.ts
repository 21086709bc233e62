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
    expect(init.stderr()).toContain('the workload still runs 2 s after SIGTERM');
    expect(readFileSync(`${folder}/why`, 'utf8')).toContain('stop timeout');
    expect(init.stderr() + contents(folder)).not.toContain(secret);
  });

  test.each([
    ['is not there', 'no-such-command', 127],
    ['is not there, by its path', '/no/such/command', 127],
    ['is a folder', '/', 126],
    ['must not be run', '/etc/passwd', 126],
    ['needs another interpreter', 'SCRIPT', 126],
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

  test.each([['--doctor'], ['--doctor', '--json']])('by %s %s', async (...options) => {
    const text = await told({ options, command: ['sh', '-c', `: ${secret}`, secret] }, 0);
    expect(text.length).toBeGreaterThan(500);
    expect(text).not.toContain(secret);
  });

  test('by a mistake in the options', async () => {
    for (const options of [[`--tokn=${secret}`], ['--pause'], ['--grace', 'soon']]) {
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
