import { accessSync, constants, statSync } from 'node:fs';
import type { ByteString } from '../native/types.ts';

/** What confstr(_CS_PATH) gives, which execvp(3) uses where PATH is not set. */
const DEFAULT_PATH = '/bin:/usr/bin';

/** What is at a path: only asked after execve(2) refused it, to say why. */
export type Found = 'executable' | 'not-executable' | 'directory' | 'out-of-reach';

/**
 * Looks a command up as execvp(3) does: as it is if it holds a slash, else in the directories of PATH, where the
 * first executable file wins over anything found before it that is not one.
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
    // EACCES: a directory on the way may not be searched. There may be a file behind it.
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? { file, found: 'out-of-reach' } : undefined;
  }
  try {
    accessSync(bytes, constants.X_OK);
    return { file, found: 'executable' };
  } catch {
    return { file, found: 'not-executable' };
  }
}
