import {
  closeSync,
  constants,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';

/**
 * Writes a file whole or not at all, for its owner alone. Another file of that name is replaced, but nothing else: no
 * symbolic link, no device.
 * @throws Error EEXIST if the name is not that of a file; ENOENT, EACCES, EROFS, ENOSPC
 */
export function writeWhole(file: string, text: string): void {
  const there = lstatSync(file, { throwIfNoEntry: false });
  if (there !== undefined && !there.isFile())
    throw new Error('EEXIST: something that is not a file has its name');
  const unfinished = `${file}.${process.pid}.unfinished`;
  // As PID 1 every init uses this name: one that was killed may have left it. A link goes, and not what it points to.
  rmSync(unfinished, { force: true });
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const descriptor = openSync(unfinished, flags, 0o600);
  try {
    try {
      writeFileSync(descriptor, text);
    } finally {
      closeSync(descriptor);
    }
    renameSync(unfinished, file);
  } catch (error) {
    unlinkSync(unfinished);
    throw error;
  }
}
