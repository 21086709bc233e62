import { cpSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { starters as installed, yarnProject } from './install.ts';

/** What starts an app: the command of an image's CMD. */
export interface Starter {
  readonly name: string;
  readonly command: readonly string[];
  /** Puts into the folder what the command needs beside server.mjs and package.json. */
  readonly prepare?: (folder: string) => void;
  /**
   * It passes the signal on: 'too' if the app gets it with the process group as well, 'alone' if the app is in a group of
   * its own, where init's signal does not reach it.
   */
  readonly passesOn?: 'too' | 'alone';
  /** Options of init. */
  readonly options?: readonly string[];
  /** Ctrl-C as well as SIGTERM, by default. */
  readonly isOnTerminal?: false;
}

const modules = join(installed, 'node_modules');
const arch = process.arch === 'arm64' ? 'arm64' : 'x64';
const node = process.execPath;

const all: readonly Starter[] = [
  { name: 'node', command: ['node', 'server.mjs'] },
  // Debian's sh, dash, starts node as its child. bash and busybox become node, which is then npm's child.
  { name: 'npm', command: ['npm', 'start', '--script-shell=dash'] },
  { name: 'npm, with bash as sh', command: ['npm', 'start', '--script-shell=bash'], passesOn: 'too' },
  { name: 'pnpm 10', command: [node, join(modules, 'pnpm/bin/pnpm.cjs'), 'start'] },
  { name: 'pnpm 12', command: [join(modules, `@pnpm/exe.linux-${arch}/pnpm`), 'start'], passesOn: 'alone' },
  { name: 'yarn 1', command: [node, join(modules, 'yarn/bin/yarn.js'), 'start'] },
  {
    name: 'yarn 4',
    command: [node, join(modules, '@yarnpkg/cli-dist/bin/yarn.js'), 'start'],
    prepare: (folder) => cpSync(yarnProject, folder, { recursive: true }),
    passesOn: 'too',
  },
  { name: 'sh -c', command: ['sh', '-c', 'node server.mjs; true'] },
  {
    name: 'a bash script',
    command: ['./start.sh'],
    prepare(folder) {
      writeFileSync(join(folder, 'start.sh'), '#!/bin/bash\nnode server.mjs\n', { mode: 0o755 });
    },
  },
  { name: 'concurrently', command: ['concurrently', 'node server.mjs'], passesOn: 'too' },
  { name: 'run-p', command: ['run-p', 'start'] },
  { name: 'nodemon', command: ['nodemon', 'server.mjs'], passesOn: 'too' },
  {
    name: 'pm2-runtime',
    // By default it kills the app after 1.6 s.
    command: ['env', 'PM2_KILL_TIMEOUT=600000', 'pm2-runtime', 'start', 'server.mjs'],
    passesOn: 'alone',
  },
  {
    name: 'turbo',
    // Else the app has none of our variables.
    command: ['turbo', 'run', 'start', '--env-mode=loose'],
    passesOn: 'alone',
    prepare(folder) {
      const tasks = { start: { cache: false, persistent: true } };
      writeFileSync(join(folder, 'turbo.json'), JSON.stringify({ tasks }));
      writeManifest(folder, { packageManager: 'npm@11.0.0' });
    },
  },
];

/** A starter that passes the signal on is enough. nodemon sends more than one. */
function alone(name: string): Starter {
  const starter = all.find((each) => each.name === name) as Starter;
  return {
    ...starter,
    name: `${name}, --scope child`,
    options: ['--scope', 'child'],
    passesOn: 'alone',
    isOnTerminal: false,
  };
}

export const starters = [...all, ...['npm, with bash as sh', 'yarn 4', 'concurrently'].map(alone)];

/** Makes an app's folder. */
export function makeApp(folder: string, { prepare }: Starter): void {
  cpSync(join(import.meta.dirname, 'server.mjs'), join(folder, 'server.mjs'));
  writeManifest(folder);
  prepare?.(folder);
}

function writeManifest(folder: string, more: { packageManager?: string } = {}): void {
  const manifest = { name: 'app', private: true, scripts: { start: 'node server.mjs' }, ...more };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
}

/** The environment of a starter: without that of the npm that runs the tests, and with nothing that asks the network. */
export function starterEnvironment(folder: string): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^npm_|^NODE_OPTIONS$|^VITEST/i.test(name),
  );
  return {
    ...Object.fromEntries(inherited),
    PATH: [join(modules, '.bin'), process.env['PATH']].join(delimiter),
    PM2_HOME: join(folder, '.pm2'),
    npm_config_update_notifier: 'false',
    DO_NOT_TRACK: '1',
    TURBO_TELEMETRY_DISABLED: '1',
  };
}
