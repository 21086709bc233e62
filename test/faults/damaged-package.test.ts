import { chmodSync, cpSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { copyPackage } from '../helpers/copied-package.ts';
import { describeModes } from '../helpers/modes.ts';
import { runInit, startInit } from '../helpers/run-init.ts';

const isRoot = process.getuid?.() === 0;
/** Where an ELF header names the architecture: elf(5). */
const E_MACHINE = 18;

describeModes([], 'koffi’s addon', (mode) => {
  test.each([
    ['that is empty', (addon: string) => truncateSync(addon)],
    ['that is cut short', (addon: string) => truncateSync(addon, readFileSync(addon).length >> 1)],
    [
      'of another architecture',
      (addon: string) => {
        const bytes = readFileSync(addon);
        bytes[E_MACHINE] = 0xf3;
        writeFileSync(addon, bytes);
      },
    ],
    ['that is missing', (addon: string) => rmSync(addon)],
    ['that may not be read', (addon: string) => chmodSync(addon, 0)],
  ])('%s: 125 and one line', async (_, damage) => {
    const { folder, addon } = copyPackage();
    damage(addon);
    // root may read everything.
    const user = isRoot ? ['setpriv', '--reuid', '64321', '--regid', '64321', '--clear-groups'] : [];
    const exit = await runInit({
      mode,
      launch: [...user, join(folder, 'subreaper/bin/subreaper')],
      command: ['true'],
      spawn: { cwd: '/' },
    });
    const oneLine = expect.stringMatching(/^subreaper: cannot start, koffi cannot be loaded \([^\n]+\n$/);
    expect(exit).toMatchObject({ code: 125, stdout: '', stderr: oneLine });
  });
});

describeModes([], 'the package', (mode) => {
  /** A workload with a survivor, which init has to kill, and explains. */
  async function startCopy() {
    const { folder } = copyPackage();
    const init = await startInit({
      mode,
      launch: [join(folder, 'subreaper/bin/subreaper')],
      options: [
        '--grace',
        '10ms',
        '--termination-log',
        join(folder, 'log'),
        '--report',
        join(folder, 'report'),
      ],
      command: ['sh', '-c', `trap 'exit 6' USR1; (trap '' TERM; exec sleep 1000) & echo ready; wait`],
    });
    expect(await init.nextLine()).toBe('ready');
    return { folder, init };
  }

  test('that is removed while init runs, with all that it needs: signals go through, and the status is right', async () => {
    const { folder, init } = await startCopy();
    rmSync(join(folder, 'subreaper'), { recursive: true });
    rmSync(join(folder, 'node_modules'), { recursive: true });
    init.kill('SIGUSR1');
    expect(await init.exit).toEqual({ code: 6, signal: null });
  });

  test.each([
    ['lacks its file', (file: string) => rmSync(file)],
    ['has half of it', (file: string) => truncateSync(file, readFileSync(file).length >> 1)],
  ])('whose part for the report %s: one warning says what to do', async (_, damage) => {
    const { folder } = copyPackage();
    damage(join(folder, 'subreaper/dist/records.cjs'));
    const exit = await runInit({
      mode,
      launch: [join(folder, 'subreaper/bin/subreaper')],
      options: ['--report', join(folder, 'report')],
      command: ['sh', '-c', 'exit 3'],
    });
    const oneLine = expect.stringMatching(/^[^\n]*"msg":"no report[^\n]*; reinstall subreaper"[^\n]*\n$/);
    expect(exit).toMatchObject({ code: 3, stderr: oneLine });
  });

  test.each([
    ['lacks its program', 'is missing', (folder: string) => rmSync(join(folder, 'dist/cli.cjs'))],
    [
      'has a file in the place of a folder',
      'is missing',
      (folder: string) => {
        rmSync(join(folder, 'dist'), { recursive: true });
        writeFileSync(join(folder, 'dist'), '');
      },
    ],
    [
      'has half of its program',
      'is damaged',
      (folder: string) => {
        const file = join(folder, 'dist/cli.cjs');
        truncateSync(file, readFileSync(file).length >> 1);
      },
    ],
    [
      'says that its launcher is an ES module',
      'is damaged',
      (folder: string) => writeFileSync(join(folder, 'bin/package.json'), '{ "type": "module" }'),
    ],
  ])('that %s: 125 and one line', async (_, what, damage) => {
    const { folder } = copyPackage();
    damage(join(folder, 'subreaper'));
    const launch = [join(folder, 'subreaper/bin/subreaper')];
    const oneLine = expect.stringMatching(
      new RegExp(`^subreaper: cannot start, dist/cli.cjs ${what}[^\\n]+\\n$`),
    );
    expect(await runInit({ mode, launch, command: ['true'] })).toMatchObject({ code: 125, stderr: oneLine });
  });

  test('that lacks its part for the report: a dialect says all that it says', async () => {
    const { folder } = copyPackage();
    const copy = { mode, launch: [join(folder, 'subreaper/bin/subreaper')], command: ['sh', '-c', 'exit 3'] };
    const options = ['--dialect', 'tini', '-v'];
    const messages = (exit: { stdout: string; stderr: string }) =>
      `${exit.stdout}${exit.stderr}`.replace(/\d{2,}/g, 'N');
    const whole = messages(await runInit({ ...copy, options }));
    rmSync(join(folder, 'subreaper/dist/records.cjs'));
    expect(whole).toContain('exited normally');
    expect(messages(await runInit({ ...copy, options }))).toBe(whole);
  });

  test.each([
    ['the same', (text: string) => text],
    ['one that lacks what init loads next', () => ''],
    ['one that is not yet written whole', (text: string) => text.slice(0, text.length / 2)],
  ])(
    'that is replaced by %s while init runs: signals go through, the status is right, and the report is written',
    async (_, change) => {
      const { folder, init } = await startCopy();
      renameSync(join(folder, 'subreaper'), join(folder, 'old'));
      cpSync(join(folder, 'old'), join(folder, 'subreaper'), { recursive: true });
      for (const bundle of ['explanations.cjs', 'records.cjs', 'cli.cjs']) {
        const file = join(folder, 'subreaper/dist', bundle);
        writeFileSync(file, change(readFileSync(file, 'utf8')));
      }
      init.kill('SIGUSR1');
      expect(await init.exit).toEqual({ code: 6, signal: null });
      expect(JSON.parse(readFileSync(join(folder, 'report'), 'utf8'))).toMatchObject({ status: 6 });
    },
  );
});
