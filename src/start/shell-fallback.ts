import { Failure } from '../lifecycle/failure.ts';
import { fromBytes, variable } from '../native/byte-strings.ts';
import { type Spawn, spawn } from '../native/spawn.ts';
import type { SystemError } from '../native/system-error.ts';
import type { ByteString, Pid } from '../native/types.ts';
import { programIn, quoted } from '../process-tree/printable-name.ts';
import { type Command, type Found, findCommand, SHELL } from './command.ts';

/**
 * Runs a command that posix_spawnp(3) refused with ENOEXEC, a script without a #! line, with /bin/sh, as execvp(3) does.
 * @throws Failure for any other error, which explains why the command cannot be run
 */
export function fallBackToShell(
  error: SystemError,
  command: Command,
  attributes: Omit<Spawn, 'file' | 'argv'>,
): Pid {
  const [file, ...args] = command;
  const path = variable(attributes.environment, 'PATH');
  const located = findCommand(file, path);
  if (error.code !== 'ENOEXEC' || located === undefined) throw explained(error, file, located?.found);
  try {
    return spawn({ file: SHELL, argv: [SHELL, located.file, ...args], ...attributes });
  } catch {
    const why = 'it has no #! line, and there is no /bin/sh to run it; add a #! line with an interpreter';
    throw new Failure(126, `${quoted(fromBytes(file))} cannot be run, ${why}`, error);
  }
}

/** The exit status and the error line for a command that could not be started. */
function explained(error: SystemError, file: ByteString, found: Found | undefined): Failure {
  const failure = (status: 125 | 126 | 127, line: string) => new Failure(status, line, error);
  const exists = found !== undefined && found !== 'out-of-reach';
  const name = quoted(exists ? fromBytes(file) : programIn(fromBytes(file)));
  if (error.code === 'EAGAIN' || error.code === 'ENOMEM')
    return failure(125, `cannot start ${name}, ${error.message}; raise the limit on processes or memory`);
  if (file === '')
    return failure(127, 'the command is an empty string, perhaps from an unset variable; name a program');
  if (found === undefined) return failure(127, `${name} not found, ${whyNotFound(file)}`);
  return failure(126, `${name} cannot be run, ${whyRefused(error, file, found)}`);
}

function whyNotFound(file: ByteString): string {
  if (/\s/.test(file.trim()))
    return 'the quotes make the command and its arguments one word; quote each argument by itself';
  if (/^[A-Za-z_]\w*=/.test(file))
    return 'it looks like a variable assignment; put it before subreaper, or use env(1)';
  if (file.includes('/')) return 'there is no such file; check the path and the working directory';
  return `no directory in PATH has it; ${runWithNode(file) ?? 'install it or give its path'}`;
}

function whyRefused(error: SystemError, file: ByteString, found: Found): string {
  if (found === 'not-executable') return `it is not executable; ${runWithNode(file) ?? 'chmod +x it'}`;
  if (found === 'directory') return 'it is a directory; name the program inside it';
  if (found === 'out-of-reach')
    return 'search permission is denied on a directory in its path; check the permissions';
  if (error.code === 'ENOENT') return 'its interpreter does not exist; check its #! line or its C library';
  if (error.code === 'EACCES')
    return 'the kernel refuses it; check its interpreter and that the mount is not noexec';
  return `${error.message}; execve(2) lists the causes`;
}

/** @returns undefined unless the file looks like JavaScript, and its name needs no quotes */
function runWithNode(file: ByteString): string | undefined {
  return /^[\w@./-]+\.[cm]?[jt]s$/.test(file) ? `run it with node: node ${file}` : undefined;
}
