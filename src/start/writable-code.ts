import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { ownFile } from '../native/require.ts';

const OTHERS_WRITE = 0o022;
const STICKY = 0o1000;

/**
 * Whether init is root, and another user may change its code or put another file in its place: a workload that runs as
 * that user could, before init has read all of it. One file stands for all of them: who copies files into an image with
 * another owner does so with the whole folder.
 */
export function othersMayWriteCode(): boolean {
  if (process.geteuid?.() !== 0) return false;
  try {
    for (let path = ownFile(), isFolder = false; ; path = dirname(path), isFolder = true) {
      const { uid, mode } = statSync(path);
      // In a sticky folder, /tmp say, only the owner renames a file.
      const isWritable = (mode & OTHERS_WRITE) !== 0 && !(isFolder && (mode & STICKY) !== 0);
      if (uid !== 0 || isWritable) return true;
      if (path === dirname(path)) return false;
    }
  } catch {
    // Nobody knows.
    return true;
  }
}
