import type { SpawnOptions } from 'node:child_process';
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where execvp(3) looks for a command if there is no PATH, in one C library or the other. */
const DEFAULT_PATH = '/usr/local/bin:/bin:/usr/bin';

type Reason = 'ENOENT' | 'EACCES';

/**
 * Why no process can be started: the error of chdir(2) or execvp(3).
 * @returns undefined also for what only the start itself can tell: it will be another user, or an interpreter is missing
 */
export function whyNotRunnable(
  command: string,
  { cwd = '.', env = {}, uid, gid }: Pick<SpawnOptions, 'cwd' | 'env' | 'uid' | 'gid'>,
): Reason | undefined {
  const folder = typeof cwd === 'string' ? cwd : fileURLToPath(cwd);
  if (!existsSync(folder)) return 'ENOENT';
  const mode = uid === undefined && gid === undefined ? constants.X_OK : constants.F_OK;
  const names = command.includes('/')
    ? [command]
    : (env['PATH'] ?? DEFAULT_PATH).split(':').map((entry) => `${entry || '.'}/${command}`);
  const reasons = names.map((name) => whyNotExecutable(resolve(folder, name), mode));
  if (reasons.includes(undefined)) return undefined;
  return reasons.includes('EACCES') ? 'EACCES' : 'ENOENT';
}

function whyNotExecutable(file: string, mode: number): Reason | undefined {
  try {
    accessSync(file, mode);
    return statSync(file).isDirectory() ? 'EACCES' : undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? 'EACCES' : 'ENOENT';
  }
}
