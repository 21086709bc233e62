import type { SpawnOptions } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where execvp(3) looks for a command if there is no PATH, in one C library or the other. */
const DEFAULT_PATH = '/usr/local/bin:/bin:/usr/bin';

type Reason = 'ENOENT' | 'EACCES';

/**
 * Why no process can be started: the error of chdir(2) or execvp(3).
 * @returns undefined also for what only the start itself can tell: it will be another user, an interpreter is missing, or
 * node's permission model hides the files from this process
 */
export function whyNotRunnable(command: string, options: SpawnOptions): Reason | undefined {
  const { cwd, env = {}, uid, gid } = options;
  const folder = cwd instanceof URL ? fileURLToPath(cwd) : (cwd ?? '.');
  if (isMissing(folder)) return 'ENOENT';
  const mode = uid === undefined && gid === undefined ? constants.X_OK : constants.F_OK;
  const names = command.includes('/') ? [command] : filesInPath(command, env['PATH']);
  // Not with resolve(): this process's own directory may have been removed.
  const files = names.map((name) => (isAbsolute(name) ? name : join(folder, name)));
  const reasons = files.map((file) => whyNotExecutable(file, mode));
  if (reasons.includes(undefined)) return undefined;
  return reasons.includes('EACCES') ? 'EACCES' : 'ENOENT';
}

/** The files that execvp(3) tries for a name, in order. */
export function filesInPath(name: string, path = DEFAULT_PATH): string[] {
  return path.split(delimiter).map((entry) => `${entry || '.'}/${name}`);
}

/** @returns undefined also if node's permission model hides the file: the processes that this one starts see it */
export function whyNotExecutable(file: string, mode: number = constants.X_OK): Reason | undefined {
  try {
    accessSync(file, mode);
    return statSync(file).isDirectory() ? 'EACCES' : undefined;
  } catch (error) {
    return reasonOf(error);
  }
}

/** false also if node's permission model hides the file. */
export function isMissing(file: string): boolean {
  try {
    accessSync(file);
    return false;
  } catch (error) {
    return reasonOf(error) !== undefined;
  }
}

function reasonOf(error: unknown): Reason | undefined {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ERR_ACCESS_DENIED') return undefined;
  return code === 'EACCES' ? 'EACCES' : 'ENOENT';
}
