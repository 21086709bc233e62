import type { ByteString } from '../native/types.ts';
import { variable } from './byte-strings.ts';
import { type Command, SHELL } from './command.ts';
import { findCommand } from './find-command.ts';

/**
 * Socket activation, sd_listen_fds(3): LISTEN_PID must be the pid of the process that takes the sockets. If it is
 * init's, the workload's has to take its place, and only the new process itself can tell that before execve(2).
 */
export function listenAsOwnPid(command: Command, environment: readonly ByteString[]): Command {
  // What cannot be found is better said by init than by the shell.
  if (findCommand(command[0], variable(environment, 'PATH')) === undefined) return command;
  // The shell exports a PWD of its own making where there was none.
  const unsetPwd = variable(environment, 'PWD') === undefined ? 'unset PWD; ' : '';
  const script = `${unsetPwd}export LISTEN_PID=$$; exec "$@"`;
  return [SHELL, '-c' as ByteString, script as ByteString, 'sh' as ByteString, ...command];
}
