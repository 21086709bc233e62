import { accessSync, constants, statSync } from 'node:fs';
import type { ByteString } from '../native/types.ts';

/** A program as the user wrote it, and its arguments. */
export type Command = readonly [ByteString, ...ByteString[]];

export const SHELL = '/bin/sh' as ByteString;

/** The value of confstr(_CS_PATH), which execvp(3) uses if PATH is not set. */
const DEFAULT_PATH = '/bin:/usr/bin';

/** The file at a path. Checked only after execve(2) refused it, to explain why. */
export type Found = 'executable' | 'not-executable' | 'directory' | 'out-of-reach';

/**
 * Finds a command as execvp(3) does: with a slash it is a path, without one it is searched in PATH. The first executable
 * file wins, even over earlier files that are not executable.
 */
export function findCommand(
  file: ByteString,
  path: ByteString | undefined,
): { readonly file: ByteString; readonly found: Found } | undefined {
  if (file === '') return undefined;
  if (file.includes('/')) return inspect(file);
  const candidates = (path ?? DEFAULT_PATH)
    .split(':')
    .map((directory) => inspect(`${directory === '' ? '.' : directory}/${file}` as ByteString))
    .filter((candidate) => candidate !== undefined);
  return candidates.find(({ found }) => found === 'executable') ?? candidates[0];
}

function inspect(file: ByteString): { file: ByteString; found: Found } | undefined {
  const bytes = Buffer.from(file, 'latin1');
  try {
    if (statSync(bytes).isDirectory()) return { file, found: 'directory' };
  } catch (error) {
    // EACCES: init may not search a directory on the path. The file may exist.
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? { file, found: 'out-of-reach' } : undefined;
  }
  try {
    accessSync(bytes, constants.X_OK);
    return { file, found: 'executable' };
  } catch {
    return { file, found: 'not-executable' };
  }
}
