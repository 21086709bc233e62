// The lines of docs/in-other-tools.md, with the tools that they are for.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { orUndefined } from '../../src/native/attempt.ts';
import { blocksOf, root, runnerOf } from '../helpers/documentation.ts';
import { describeWith } from '../helpers/modes.ts';
import { lacking } from '../helpers/needs.ts';
import { freePort } from '../helpers/ports.ts';
import { allProcesses, childrenOf, procFile, signalIfThere, until } from '../helpers/proc.ts';
import { type RunningInit, startProcess } from '../helpers/run-init.ts';
import { areInstalled, starters } from './install.ts';
import { starterEnvironment } from './starters.ts';

const blocks = blocksOf('docs/in-other-tools.md').filter((block) => runnerOf(block) === 'tool');
const tried = new Set<string>();

/** The only block of the page that has this text. */
function blockWith(text: string): string {
  const [block, ...others] = blocks.filter((each) => each.text.includes(text));
  expect(others).toEqual([]);
  tried.add(block?.text as string);
  return block?.text as string;
}

/** A server with a child in another session, and a daemon: as a dev server that starts a bundler or a browser. */
const server = `
const { spawn } = require('node:child_process');
const { writeFileSync } = require('node:fs');
const { createServer } = require('node:http');
spawn('sh', ['-c', '(setsid sleep 1000 &); exec setsid sleep 1000'], { stdio: 'ignore' });
createServer((_, response) => response.end('hello')).listen(Number(process.env.PORT), () => {
  writeFileSync('up', '');
  console.log('listening');
});
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit());
`;
/** The server, and the two that it starts. */
const TREE = 3;

/** What each tool wants to find beside the server. */
const files: Readonly<Record<string, string>> = {
  'server.js': server,
  'package.json': JSON.stringify({
    name: 'web',
    packageManager: 'npm@11.0.0',
    scripts: { serve: 'node server.js' },
  }),
  'package-lock.json': '{ "lockfileVersion": 3, "packages": {} }',
  'turbo.json': '{ "tasks": { "serve": { "cache": false, "persistent": true } } }',
  'nx.json': '{}',
  'project.json':
    '{ "name": "web", "targets": { "serve": { "command": "node server.js", "continuous": true } } }',
};

/** A project that has subreaper installed, and the tools above it. */
function makeProject(more: Readonly<Record<string, string>> = {}) {
  const folder = realpathSync(mkdtempSync(join(starters, 'project-')));
  const bin = join(folder, 'node_modules/.bin');
  mkdirSync(bin, { recursive: true });
  symlinkSync(root, join(folder, 'node_modules/subreaper'));
  symlinkSync('../subreaper/bin/subreaper', join(bin, 'subreaper'));
  // nx looks for itself nowhere else.
  symlinkSync(join(starters, 'node_modules/nx'), join(folder, 'node_modules/nx'));
  for (const [name, text] of Object.entries({ ...files, ...more }))
    writeFileSync(join(folder, name), text, { mode: 0o755 });
  const environment = starterEnvironment(folder);
  const env = {
    ...environment,
    PATH: `${folder}:${bin}:${environment['PATH']}`,
    PORT: '0',
    TURBO_ENV_MODE: 'loose',
    NX_DAEMON: 'false',
    NX_NO_CLOUD: 'true',
  };

  /** The servers, and what they have started. */
  const left = () =>
    allProcesses().filter(({ pid, name, state }) => {
      if (state === 'Z' || orUndefined(() => readlinkSync(`/proc/${pid}/cwd`)) !== folder) return false;
      return name === 'sleep' || /node\0[^\0]*server\.js\0/.test(procFile(pid, 'cmdline'));
    });
  onTestFinished(() => {
    for (const { pid } of left()) signalIfThere(pid, 'SIGKILL');
    rmSync(folder, { recursive: true, maxRetries: 5 });
  });
  return {
    folder,
    env,
    left,
    start: (command: readonly string[], more: NodeJS.ProcessEnv = {}) =>
      startProcess(command, { cwd: folder, env: { ...env, ...more } }),
    runs: (trees = 1) => until(() => left().length === trees * TREE, 'the server and its children run'),
    isLeft: (how: 'with' | 'without') =>
      how === 'with'
        ? until(() => left().length === 0, 'nothing is left')
        : expect(left().length).toBeGreaterThan(0),
  };
}

const line = (text: string) => ['sh', '-c', `exec ${text}`];

/** What subreaper's child is; without it, the process itself. */
const toolOf = ({ pid }: RunningInit, how: string) =>
  how === 'with' ? (childrenOf(pid)[0]?.pid as number) : pid;

const installed = lacking(
  areInstalled() ? undefined : 'the starters of the npm registry: they cannot be installed',
);
const ways = ['with', 'without'] as const;

describeWith(['util-linux', 'bash'], 'in other tools', () => {
  test.each(ways)('an agent, %s its alias', async (how) => {
    const { start, runs, isLeft } = makeProject({
      claude: '#!/bin/sh\nnode server.js >/dev/null & read -r _\n',
    });
    const alias = how === 'with' ? blockWith('alias claude') : '';
    const agent = start(['bash', '-c', `shopt -s expand_aliases\n${alias}\nclaude`]);
    await runs();
    agent.stdin.write('\n');
    await agent.exit;
    await isLeft(how);
  });

  test.each(ways)('a step of GitHub Actions, %s the shell', async (how) => {
    const { folder, env, isLeft } = makeProject({
      'step.sh': 'node server.js & until [ -e up ]; do sleep 0.01; done; exit 3\n',
    });
    const { shell } = parse(blockWith('shell:')).defaults.run as { shell: string };
    expect(shell.startsWith('node_modules/.bin/subreaper -- bash ')).toBe(true);
    const command = (how === 'with' ? shell : shell.replace(/^.* -- /, '')).replace('{0}', 'step.sh');
    const [file = '', ...args] = command.split(' ');
    const step = spawn(file, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] });
    step.stdout.resume();
    let isClosed = false;
    step.on('close', () => {
      isClosed = true;
    });
    expect(await once(step, 'exit')).toEqual([3, null]);
    if (how === 'with') await until(() => isClosed, 'its output has ended');
    else expect(isClosed).toBe(false);
    await isLeft(how);
  });

  const runners = blockWith('turbo run').split('\n');
  describeWith([], 'a task runner that is killed', () => {
    test.concurrent.each(runners.flatMap((text) => ways.map((how) => ({ text, how }))))(
      '$text, $how',
      installed,
      async ({ text, how }) => {
        const { start, runs, isLeft } = makeProject();
        const runner = start(line(how === 'with' ? text : text.replace(/^.*? -- /, '')));
        await runs();
        process.kill(toolOf(runner, how), 'SIGKILL');
        await runner.exit;
        await isLeft(how);
      },
    );
  });

  test.each(ways)('a restart of nodemon, %s', installed, async (how) => {
    const { folder, start, runs, left } = makeProject();
    const text = blockWith('nodemon --exec');
    start(line(how === 'with' ? text : text.replace('subreaper -- ', '')));
    await runs();
    const before = left().map(({ pid }) => pid);
    rmSync(join(folder, 'up'));
    utimesSync(join(folder, 'server.js'), 1, Date.now() / 1000);
    const old = () => left().filter(({ pid }) => before.includes(pid));
    await until(() => left().length - old().length === TREE, 'the next one runs');
    expect(old()).toHaveLength(how === 'with' ? 0 : TREE - 1);
  });

  describeWith([], 'the web server of Playwright', () => {
    const page = (ending: string) => `
      const { test, expect } = require('@playwright/test');
      test('it serves', async () => {
        const response = await fetch('http://localhost:' + process.env.PORT);
        expect(await response.text()).toBe('hello');
        ${ending}
      });`;
    const ends = {
      'has ended': '',
      'is killed': `process.kill(process.ppid, 'SIGKILL'); await new Promise(() => {});`,
    };
    test.each(Object.entries(ends).flatMap(([end, ending]) => ways.map((how) => ({ end, ending, how }))))(
      'after it $end, $how',
      installed,
      async ({ ending, how }) => {
        const port = await freePort();
        const config = blockWith('webServer').replace('3000', String(port));
        const { start, isLeft } = makeProject({
          'playwright.config.mjs': how === 'with' ? config : config.replace(/exec subreaper.*? -- /, ''),
          'it.spec.js': page(ending),
        });
        const playwright = start(['playwright', 'test', '--timeout=0'], { PORT: String(port) });
        const exit = await playwright.exit;
        if (ending === '') expect(exit).toEqual({ code: 0, signal: null });
        await isLeft(how);
      },
    );
  });

  test.each(ways)('pm2 stop, %s', installed, async (how) => {
    const text = blockWith('module.exports');
    const { start, runs, isLeft, env } = makeProject({
      'ecosystem.config.cjs':
        how === 'with' ? text : `module.exports = { apps: [{ name: 'web', script: 'server.js' }] };`,
    });
    const pm2 = async (...args: string[]) => expect((await start(['pm2', ...args]).exit).code).toBe(0);
    onTestFinished(async () => {
      const kill = spawn('pm2', ['kill'], { env, stdio: 'ignore' });
      await once(kill, 'exit');
    });
    await pm2('start', 'ecosystem.config.cjs');
    await runs();
    await pm2('stop', 'web');
    await isLeft(how);
  });

  test.each(ways)('execa and tinyexec, whose owner is killed, %s', installed, async (how) => {
    const text = blockWith('tinyexec');
    const { start, runs, isLeft } = makeProject({
      'owner.mjs':
        how === 'with' ? text : text.replace(/const bound = .*/, `const bound = ['node', ['server.js']];`),
    });
    const owner = start(['node', 'owner.mjs']);
    await runs(2);
    owner.kill('SIGKILL');
    await owner.exit;
    await isLeft(how);
  });

  test('every block of the page is tried here', installed, () => {
    expect(blocks.map(({ text }) => text).filter((text) => !tried.has(text))).toEqual([]);
  });
});
