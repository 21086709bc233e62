import type { ByteString } from '../native/types.ts';
import { variable } from './byte-strings.ts';
import { type Command, SHELL } from './command.ts';
import { findCommand } from './find-command.ts';

/**
 * Socket activation, sd_listen_fds(3): LISTEN_PID must be the pid of the process that takes the sockets. If it is
 * init's, the workload's pid must replace it. Only the new process itself knows that before execve(2): a shell sets it.
 * LISTEN_PIDFDID would name init as well, and may be missing.
 */
export function listenAsOwnPid(command: Command, environment: readonly ByteString[]): Command {
  // init explains better than the shell that a command was not found.
  if (findCommand(command[0], variable(environment, 'PATH')) === undefined) return command;
  // The shell exports its own PWD if there was none.
  const unsetPwd = variable(environment, 'PWD') === undefined ? 'unset PWD; ' : '';
  const script = `${unsetPwd}unset LISTEN_PIDFDID; export LISTEN_PID=$$; exec "$@"`;
  return [SHELL, '-c' as ByteString, script as ByteString, 'sh' as ByteString, ...command];
}
