import { quoted } from '../process-tree/printable-name.ts';

/** "ENOENT: no such file or directory": node's words for a system call's error, without the path that follows them. */
export function withoutPath({ code, message }: NodeJS.ErrnoException): string | undefined {
  return /^E[A-Z0-9]+: [^,]+/.exec(message)?.[0] ?? code;
}

/** What init logs if it cannot write what an option asks for. */
export function cannotWrite(what: string, file: string | undefined): string {
  const failed = `cannot write the ${what}`;
  if (file === undefined || file === '-') return failed;
  return `${failed} to ${quoted(file)}; its directory must exist, be writable and have space left`;
}
