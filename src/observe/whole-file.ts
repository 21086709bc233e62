import { closeSync, constants, lstatSync, openSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';

/**
 * Writes a file whole or not at all. Another file of that name is replaced, but nothing else: no symbolic link, no device.
 * @param mode open(2), less the umask
 * @throws Error EEXIST if the name is not that of a file; ENOENT, EACCES, EROFS, ENOSPC
 */
export function writeWhole(file: string, content: string | Uint8Array, mode = 0o600): void {
  const there = lstatSync(file, { throwIfNoEntry: false });
  if (there !== undefined && !there.isFile())
    throw new Error('EEXIST: something that is not a file has its name');
  const unfinished = `${file}.${process.pid}.unfinished`;
  remove(unfinished);
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const descriptor = openSync(unfinished, flags, mode);
  try {
    try {
      writeFileSync(descriptor, content);
    } finally {
      closeSync(descriptor);
    }
    renameSync(unfinished, file);
  } catch (error) {
    unlinkSync(unfinished);
    throw error;
  }
}

/**
 * As PID 1 every init uses this name: one that was killed may have left it. A link goes, and not what it points to.
 * Not rmSync: it looks first, and deletes what is in a directory that somebody puts there meanwhile.
 */
function remove(unfinished: string): void {
  try {
    unlinkSync(unfinished);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
