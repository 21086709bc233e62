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
  const located = findCommand(file, variable(attributes.environment, 'PATH'));
  if (error.code !== 'ENOEXEC' || located === undefined) throw explained(error, file, located?.found);
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
function explained(error: SystemError, file: ByteString, found: Found | undefined): Failure {
  const name = quoted(fromBytes(file));
  if (error.code === 'EAGAIN' || error.code === 'ENOMEM') {
    return new Failure(
      125,
      `cannot start ${name}, ${error.message}; raise the limit on processes or memory`,
      error,
    );
  }
  if (found === undefined) {
    const hint = file === 'doctor' ? 'write --doctor for the diagnosis' : 'install it or give its path';
    return file.includes('/')
      ? new Failure(
          127,
          `${name} not found, there is no such file; check the path and the working directory`,
          error,
        )
      : new Failure(127, `${name} not found, it is in no directory of PATH; ${hint}`, error);
  }
  return new Failure(126, `${name} cannot be run, ${whyRefused(error, found)}`, error);
}

function whyRefused(error: SystemError, found: Found): string {
  if (found === 'directory') return 'it is a directory; name the program inside it';
  if (found === 'out-of-reach') return 'a directory on its path may not be searched; check their permissions';
  if (found === 'not-executable') return 'it is not executable; chmod +x it';
  if (error.code === 'ENOENT') return 'its interpreter does not exist; check its #! line or its C library';
  if (error.code === 'EACCES')
    return 'the kernel refuses it; check its interpreter and that the mount is not noexec';
  return `${error.message}; execve(2) lists the causes`;
}
