import { type Spawn, spawn } from '../native/spawn.ts';
import type { SystemError } from '../native/system-error.ts';
import type { ByteString, Pid } from '../native/types.ts';
import { fromBytes, variable } from './byte-strings.ts';
import { type Command, SHELL } from './command.ts';
import { Failure, quoted } from './failure.ts';
import { type Found, findCommand } from './find-command.ts';

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
  if (error.code !== 'ENOEXEC' || located === undefined) throw explained(error, file, located?.found, path);
  try {
    return spawn({ file: SHELL, argv: [SHELL, located.file, ...args], ...attributes });
  } catch {
    const why = 'it has no #! line, and there is no /bin/sh to run it';
    throw new Failure(
      126,
      `${quoted(fromBytes(file))} cannot be run, ${why}; add a #! line with an interpreter`,
      error,
    );
  }
}

/** The exit status and the error line for a command that could not be started. */
function explained(
  error: SystemError,
  file: ByteString,
  found: Found | undefined,
  path: ByteString | undefined,
): Failure {
  const name = quoted(fromBytes(file));
  if (error.code === 'EAGAIN' || error.code === 'ENOMEM') {
    return new Failure(
      125,
      `cannot start ${name}, ${error.message}; raise the limit on processes or memory`,
      error,
    );
  }
  if (found === undefined) return notFound(error, file, path);
  const why =
    found === 'not-executable'
      ? `it is not executable; ${isForNode(file) ? withNode(file) : 'chmod +x it'}`
      : whyRefused(error, found);
  return new Failure(126, `${name} cannot be run, ${why}`, error);
}

function notFound(error: SystemError, file: ByteString, path: ByteString | undefined): Failure {
  const [program, ...args] = file.trim().split(/[ \t\n]+/) as [ByteString, ...ByteString[]];
  if (args.length > 0 && findCommand(program, path) !== undefined) {
    // The program's name alone: arguments may hold secrets.
    const name = quoted(`${fromBytes(program)} …`);
    return new Failure(
      127,
      `${name} not found, quotes make one word of the command and its arguments; leave out the quotes`,
      error,
    );
  }
  const why = file.includes('/')
    ? 'there is no such file; check the path and the working directory'
    : `it is in no directory of PATH; ${isForNode(file) ? withNode(file) : 'install it or give its path'}`;
  return new Failure(127, `${quoted(fromBytes(file))} not found, ${why}`, error);
}

function withNode(file: ByteString): string {
  return `run it with node: node ${file}`;
}

/** Whether a file looks like JavaScript, and its name needs no quotes. */
function isForNode(file: ByteString): boolean {
  return /^[\w@./-]+\.[cm]?[jt]s$/.test(file);
}

function whyRefused(error: SystemError, found: Exclude<Found, 'not-executable'>): string {
  if (found === 'directory') return 'it is a directory; name the program inside it';
  if (found === 'out-of-reach') return 'a directory on its path may not be searched; check their permissions';
  if (error.code === 'ENOENT') return 'its interpreter does not exist; check its #! line or its C library';
  if (error.code === 'EACCES')
    return 'the kernel refuses it; check its interpreter and that the mount is not noexec';
  return `${error.message}; execve(2) lists the causes`;
}
