// test/suite.mjs, with suites of the test's own.
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { root } from '../helpers/documentation.ts';
import { needs } from '../helpers/needs.ts';
import { descendantsOf, hasEnded, runningWith, signalIfThere, until } from '../helpers/proc.ts';
import { runToEnd, startProcess } from '../helpers/run-init.ts';

const files = [
  ...['suite.mjs', 'all-suites.mjs', 'packages.mjs'],
  ...['commit.mjs', 'leave-out.mjs', 'proc.mjs', 'slowness.mjs'].map((name) => `helpers/${name}`),
];

/** A clone with other suites: name and command. Each suite writes its name into `ran`. */
function clone(commands: Readonly<Record<string, string>>, limit = 10) {
  const folder = mkdtempSync(join(tmpdir(), 'subreaper-suites-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'test/helpers'), { recursive: true });
  for (const file of files) cpSync(join(root, 'test', file), join(folder, 'test', file));
  const suites = Object.entries(commands).map(([name, command]) => [
    name,
    { tries: '', time: '', needs: '', packages: [], limit, command: `echo ${name} >>ran; ${command}` },
  ]);
  writeFileSync(
    join(folder, 'test/suites.mjs'),
    `export const suites = ${JSON.stringify(Object.fromEntries(suites))};
    export const reports = 'build/report/vitest';
    export const reportArguments = () => [];`,
  );
  writeFileSync(join(folder, 'build.mjs'), '');
  writeFileSync(join(folder, '.gitignore'), 'build\nran\n');
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=test', '-c', 'user.email=', ...args], {
      cwd: folder,
      encoding: 'utf8',
    });
  git('init', '--quiet');
  const commit = () => {
    git('add', '.');
    git('commit', '--quiet', '--allow-empty', '--message', 'suites');
    return git('rev-parse', '--short', 'HEAD').trim();
  };
  const mark = randomUUID();
  return {
    at: commit(),
    commit,
    mark,
    start: (...args: string[]) =>
      startProcess(['node', join(folder, 'test/suite.mjs'), ...args], {
        env: { ...process.env, MARK: mark, END_MS: '500' },
      }),
    /** The suites that have run since the last call. */
    ran: () => {
      const names = existsSync(join(folder, 'ran')) ? readFileSync(join(folder, 'ran'), 'utf8') : '';
      writeFileSync(join(folder, 'ran'), '');
      return names.split('\n').slice(0, -1);
    },
    report: (name: string) => JSON.parse(readFileSync(join(folder, `build/report/${name}.json`), 'utf8')),
  };
}

/** One has left the session, one ignores SIGTERM, and one does not have the mark. */
const hangs = `setsid sleep 1000 & (trap '' TERM; exec sleep 1000) & env -i sleep 1000`;

test(
  'a suite that has not ended within its limit is ended, with all that it has started',
  needs('util-linux'),
  async () => {
    const { start, mark, report, at } = clone({ hangs }, 2 / 60);
    const { code, stderr } = await runToEnd(start('hangs'));
    expect(stderr).toMatch(/^subreaper: no end within \S+ minutes: what the suite has started is ended$/m);
    expect(code).toBe(124);
    expect(runningWith(mark)).toEqual([]);
    expect(report('hangs')).toMatchObject({ suite: 'hangs', commit: at, status: 124 });
  },
);

test.each(['SIGTERM', 'SIGHUP', 'SIGINT'] as const)(
  'a suite that gets %s ends all that it has started',
  needs('util-linux'),
  async (signal) => {
    const { start, mark } = clone({ hangs });
    const suite = start('hangs');
    const sleeps = await until(() => {
      const found = descendantsOf(suite.pid).filter(({ name }) => name === 'sleep');
      return found.length === 3 && found;
    }, 'the suite hangs');
    suite.kill(signal);
    expect(await suite.exit).toEqual({ code: null, signal: 'SIGTERM' });
    expect(runningWith(mark)).toEqual([]);
    expect(sleeps.filter(({ pid }) => !hasEnded(pid))).toEqual([]);
  },
);

test('suite all goes on after a failure, and --resume leaves out what has passed at this commit', async () => {
  const { start, ran, commit, at } = clone({ one: 'true', two: 'exit 3', three: 'kill -9 $$' });
  const all = await runToEnd(start('all'));
  expect(ran()).toEqual(['one', 'two', 'three']);
  const row = (name: string, status: string) => new RegExp(`│ ${name} +│ '${at}' │ ${status} +│`);
  expect(all.stdout).toMatch(row('one', '0'));
  expect(all.stdout).toMatch(row('two', '3'));
  expect(all.stdout).toMatch(row('three', "'SIGKILL'"));
  expect(all.code).toBe(1);

  const resumed = await runToEnd(start('all', '--resume'));
  expect(ran()).toEqual(['two', 'three']);
  expect(resumed.stdout).toMatch(row('one', '0'));
  expect(resumed.code).toBe(1);

  commit();
  await runToEnd(start('all', '--resume'));
  expect(ran()).toEqual(['one', 'two', 'three']);
});

test('a suite that has left everything out is not green, and runs again', async () => {
  const code = "import('./test/helpers/leave-out.mjs').then(({ leaveOut }) => leaveOut('it needs a moon'))";
  const { start, ran, report } = clone({ none: `node -e "${code}"` });
  const { code: status, stdout } = await runToEnd(start('all'));
  expect(status).toBe(1);
  expect(stdout).toMatch(/\nnone: Left out: it needs a moon\n$/);
  expect(report('none')).toMatchObject({ status: 0, passed: 0, leftOut: ['Left out: it needs a moon'] });
  expect((await runToEnd(start('all', '--resume'))).code).toBe(1);
  expect(ran()).toEqual(['none', 'none']);
});

test('suite all that is interrupted runs no other suite, and ends with the table', async () => {
  const { start, ran, mark } = clone({ one: 'true', two: 'sleep 1000', three: 'true' });
  const all = start('all');
  const sleep = await until(() => runningWith(mark).find(({ name }) => name === 'sleep'), 'two runs');
  // As a terminal's Ctrl-C: each process of the foreground group gets it.
  const others = runningWith(mark).filter(({ pid }) => pid !== sleep.pid);
  for (const { pid } of [...others, sleep]) signalIfThere(pid, 'SIGINT');
  const { code, stdout } = await runToEnd(all);
  expect(ran()).toEqual(['one', 'two']);
  expect(stdout).toMatch(/│ three +│ +│ 'not run' +│/);
  expect(runningWith(mark)).toEqual([]);
  expect(code).toBe(1);
});
