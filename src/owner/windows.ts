import type { ChildProcess, SpawnOptions, StdioOptions } from 'node:child_process';
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findInPackage, findNode } from './find-launcher.ts';

/** The first argument of the process between, as JSON. The command and its arguments follow. */
export interface JobPlan {
  readonly owner: number;
  /** For each descriptor of the command. `inherit`: the process between has it, and passes it on. */
  readonly stdio: readonly ('inherit' | 'ignore' | 'ipc')[];
  readonly options: SpawnOptions;
}

/** The command's variables have this in front of their names: NODE_OPTIONS, say, is not for the process between. */
export const SAVED_PREFIX = 'SUBREAPER_SAVED_';

/**
 * The same call of `spawn`, for a process that holds a job object and runs the command in it (windows-job.ts). To kill that
 * process is to kill the tree, so `kill()`, an AbortSignal and the timeout work as `spawn` has them.
 */
export function spawnInJob(command: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  const { spawn } = process.getBuiltinModule('node:child_process');
  const { shell, argv0, windowsVerbatimArguments, ...outer } = options;
  const given = options.env ?? process.env;
  // As `spawn` does it.
  const [program, ...rest] = shell ? [[command, ...args].join(' ')] : [command, ...args];
  const { detached, windowsHide, serialization } = options;
  const plan: JobPlan = {
    owner: process.pid,
    stdio: passedOn(options.stdio),
    options: { shell, argv0, windowsVerbatimArguments, detached, windowsHide, serialization } as SpawnOptions,
  };
  const env: NodeJS.ProcessEnv = {};
  for (const name in given) env[SAVED_PREFIX + name] = given[name];
  const holder = findInPackage('dist/windows-job.cjs');
  const node = findNode({});
  // `spawn` has an error of its own for each, and it is to keep that.
  const nothing = resolve(holder, 'no-such-command');
  const isMissing = !shell && !isFound(command, options);
  const file = /\.(bat|cmd)[. ]*$/i.test(command) && !shell ? `${nothing}.cmd` : isMissing ? nothing : node;
  const child = spawn(file, ['--no-warnings', holder, JSON.stringify(plan), program as string, ...rest], {
    ...outer,
    env,
  });
  // As `spawn` has it.
  const own = typeof shell === 'string' ? shell : (process.env['comspec'] ?? 'cmd.exe');
  const spawnfile = shell ? own : command;
  return Object.assign(child, { spawnfile, spawnargs: [argv0 ?? spawnfile, ...args] });
}

function passedOn(stdio: StdioOptions = 'pipe'): JobPlan['stdio'] {
  const given = Array.isArray(stdio) ? stdio : [];
  return Array.from({ length: Math.max(3, given.length) }, (_, descriptor) => {
    const kind = given[descriptor];
    if (kind === 'ipc') return kind;
    // `spawn` opens the first three in any case.
    return descriptor > 2 && (kind === 'ignore' || kind === undefined || kind === null)
      ? 'ignore'
      : 'inherit';
  });
}

/** Whether libuv will find the file, in the command's directory and then in its PATH: process.c of libuv, search_path. */
function isFound(command: string, options: SpawnOptions): boolean {
  const { cwd } = options;
  const folder = cwd instanceof URL ? fileURLToPath(cwd) : (cwd ?? '.');
  const env = options.env ?? process.env;
  const pathName = Object.keys(env).find((name) => name.toUpperCase() === 'PATH');
  // Without a PATH of its own it gets this process's.
  const path = (pathName === undefined ? process.env['PATH'] : env[pathName]) ?? '';
  const folders = /[\\/:]/.test(command) ? ['.'] : ['.', ...path.split(';').filter(Boolean)];
  const names = [command, `${command}.com`, `${command}.exe`].filter((name) => /\.[^\\/:]+$/.test(name));
  return folders.some((each) => names.some((name) => isFile(resolve(folder, unquoted(each), name))));
}

/** An entry of PATH may stand in quotation marks. */
function unquoted(entry: string): string {
  return entry.replace(/^(["'])(.*)\1$/, '$2');
}

function isFile(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isFile() === true;
}
