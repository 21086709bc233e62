// The table of the README that compares inits: each cell is tried.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { root } from '../helpers/documentation.ts';
import { buildFolder, launcher } from '../helpers/environment.ts';
import { describeWith } from '../helpers/modes.ts';
import { command, lacking } from '../helpers/needs.ts';
import { childrenOf, runningWith, signalIfThere, until } from '../helpers/proc.ts';
import { type Mode, type RunningInit, startInit } from '../helpers/run-init.ts';
import { readAppLog } from '../starters/app-log.ts';

const scenes = resolve(import.meta.dirname, 'scenes.mjs');
/** How long something must not have happened, where the table says that it does not. */
const NEVER_MS = 1500;

const pm2 = resolve(buildFolder, 'bench/pm2/node_modules');
const pm2Home = resolve(buildFolder, 'pm2-home');

/** The words in front of a command, and what of them is missing here. */
interface Candidate {
  readonly line: (options: readonly string[], command: readonly string[]) => readonly string[];
  readonly lack: () => string | undefined;
}

const inPath = (name: string, debianPackage = name): Candidate => ({
  line: (options, command) => [name, ...options, '--', ...command],
  lack: () => command(name, debianPackage),
});

const candidates: Readonly<Record<string, Candidate>> = {
  subreaper: { line: (options, command) => [launcher, ...options, '--', ...command], lack: () => undefined },
  'subreaper/register': {
    line: (_, [node = '', ...args]) => [node, '--import', 'subreaper/register', ...args],
    lack: () => undefined,
  },
  tini: inPath('tini'),
  'docker --init': inPath('docker-init', 'docker.io'),
  'dumb-init': inPath('dumb-init'),
  catatonit: inPath('catatonit'),
  'pm2-runtime': {
    line: (_, [, ...args]) => [
      ...[join(pm2, '.bin/pm2-runtime'), 'start', args[0] as string],
      ...['--no-autorestart', '--', ...args.slice(1)],
    ],
    lack: installPm2,
  },
  'node alone': { line: (_, command) => command, lack: () => undefined },
};

/** In the folder that the benchmarks use too. */
function installPm2(): string | undefined {
  if (existsSync(pm2)) return undefined;
  const flags = ['--omit=dev', '--no-audit', '--no-fund', '--no-package-lock'];
  try {
    execFileSync('npm', ['install', ...flags, '--prefix', resolve(pm2, '..'), 'pm2@7'], { stdio: 'pipe' });
    return undefined;
  } catch {
    return 'pm2 of the npm registry: it cannot be installed';
  }
}

/** Debian's sh, whichever machine this is: other shells let npm pass the signal on. */
const npmStart = ['--prefix', resolve(root, 'test/starters'), 'start', '--script-shell=dash'];

/** npm as a program of node's, because that is what all candidates can start. */
function npm(): string {
  return realpathSync(spawnSync('sh', ['-c', 'command -v npm'], { encoding: 'utf8' }).stdout.trim());
}

/** A candidate with a scene as its workload. */
type Start = (scene: string, mode?: Mode, env?: NodeJS.ProcessEnv) => Promise<RunningInit>;

/** @returns whether what a row says holds. @param expected what the table says */
type Row = (start: Start, expected: boolean) => Promise<boolean>;

const rows: Readonly<Record<string, Row>> = {
  async 'reaps orphans'(start) {
    const init = await start('orphans');
    return /(^| )0 zombies$/.test((await lineWith(init, 'zombies')) ?? '');
  },
  async 'SIGTERM ends an app without a handler'(start, expected) {
    const init = await start('plain');
    await lineWith(init, 'ready');
    init.kill('SIGTERM');
    return (await inTime(init.exit, expected))?.code === 143;
  },
  'SIGTERM reaches the whole process group': reachesTheChild('group'),
  'SIGTERM reaches other sessions (setsid)': reachesTheChild('session'),
  async 'leftovers get SIGTERM and time to end'(start) {
    return (await lineWith(await start('survivor'), 'in order')) !== undefined;
  },
  async 'an app below `npm start` finishes its work'(start, expected) {
    const folder = mkdtempSync(join(tmpdir(), 'subreaper-beside-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const log = join(folder, 'log');
    const written = () => readAppLog(existsSync(log) ? readFileSync(log, 'utf8') : '');
    const init = await start('npm start', 'pid1', {
      ...{ APP_LOG: log, APP_LISTENS: 'once', APP_DRAIN_MS: expected ? '300' : '60000' },
    });
    await until(() => written().pid, 'the app is ready');
    init.kill('SIGTERM');
    // PID 1's end is the end of them all.
    await init.exit;
    return written().hasDrained;
  },
  async 'nothing outlives it, PID 1 or not'(start) {
    const marker = `subreaper-beside-${process.pid}-${Math.random()}`;
    onTestFinished(() => {
      for (const { pid } of runningWith(marker)) signalIfThere(pid, 'SIGKILL');
    });
    await (await start('daemon', 'subreaper', { MARKER: marker })).exit;
    return runningWith(marker).length === 0;
  },
  async 'says what killed the app'(start) {
    const init = await start('plain');
    await lineWith(init, 'ready');
    process.kill(childrenOf(init.pid)[0]?.pid as number, 'SIGKILL');
    await init.exit;
    return init.stderr().includes('SIGKILL');
  },
};

function reachesTheChild(scene: string): Row {
  return async (start, expected) => {
    const init = await start(scene);
    await lineWith(init, 'ready');
    init.kill('SIGTERM');
    return (await inTime(lineWith(init, 'got SIGTERM'), expected)) !== undefined;
  };
}

/** The next line with these words; undefined if the output ends before. */
async function lineWith(init: RunningInit, words: string): Promise<string | undefined> {
  for (;;) {
    const line = await init.nextLine().catch(() => undefined);
    if (line === undefined || line.includes(words)) return line;
  }
}

/** What must come is waited for; what must not come has its time to come nevertheless. */
function inTime<Value>(promise: Promise<Value>, isExpected: boolean): Promise<Value | undefined> {
  if (isExpected) return promise;
  return Promise.race([promise, sleep(NEVER_MS, undefined)]);
}

/** Where the answers of a candidate are. One column may be that of two. */
interface Column {
  readonly name: string;
  readonly column: number;
}

/** The cells of the table: "yes", "no", "with `OPTION`", or "—" where the question does not arise. */
function readTable(): { columns: Column[]; cells: string[][] } {
  const text = readFileSync(join(root, 'README.md'), 'utf8');
  const [, table = ''] = /## Compared with other inits\n[\s\S]*?\n(\|[\s\S]*?)\n\n/.exec(text) ?? [];
  const [head = [], , ...cells] = table.split('\n').map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  const columns = head.slice(1).flatMap((names, column) =>
    names
      .replaceAll('`', '')
      .split(', ')
      .map((name) => ({ name, column })),
  );
  return { columns, cells };
}

const { columns, cells } = readTable();

test('the table has the rows and columns that are tried here', () => {
  expect(columns.map(({ name }) => name)).toEqual(Object.keys(candidates));
  expect(cells.map(([row]) => row)).toEqual(Object.keys(rows));
});

describeWith(['namespaces', 'dash'], 'in the table of the README', () => {
  describe.each(columns)('$name', ({ name: candidateName, column }) => {
    const candidate = candidates[candidateName] as Candidate;
    const lack = lacking(candidate.lack());
    for (const [title = '', ...answers] of cells) {
      const answer = answers[column] as string;
      if (answer === '—') continue;
      const start =
        (options: readonly string[], expected: boolean): Start =>
        (scene, mode = 'pid1', env = {}) => {
          const waitMs = expected ? 120_000 : NEVER_MS;
          const command =
            scene === 'npm start'
              ? ['node', npm(), ...npmStart]
              : ['node', scenes, scene, 'main', String(waitMs)];
          const launch = candidate.line(options, command);
          return startInit({
            mode,
            launch: launch.slice(0, 1),
            command: [],
            options: launch.slice(1),
            spawn: { env: { ...process.env, PM2_HOME: pm2Home, ...env } },
          });
        };
      const holds = (options: readonly string[], expected: boolean) =>
        (rows[title] as Row)(start(options, expected), expected);
      test(`${title}: ${answer}`, lack, async () => {
        const [, option] = /^with `(.*)`$/.exec(answer) ?? [];
        if (option === undefined) expect(answer).toMatch(/^(yes|no)$/);
        else expect(await holds(option.split(' '), true)).toBe(true);
        expect(await holds([], answer === 'yes')).toBe(answer === 'yes');
      });
    }
  });
});
