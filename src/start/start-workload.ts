import { closeSync } from 'node:fs';
import { attempt } from '../native/attempt.ts';
import { variable } from '../native/byte-strings.ts';
import { setCloseOnExec, setDescriptorLimit } from '../native/descriptors.ts';
import { inSignalSet, signalSet } from '../native/signal-set.ts';
import { whileIgnoring } from '../native/signals.ts';
import { type Spawn, spawn } from '../native/spawn.ts';
import { SystemError } from '../native/system-error.ts';
import type { ByteString, Pid, Signal, SignalSet } from '../native/types.ts';
import { SIGCHLD } from '../signals/numbers.ts';
import { type Command, findCommand, SHELL } from './command.ts';
import { type Inherited, inheritedFromThree, STANDARD_STREAMS } from './inherited.ts';
import { fallBackToShell } from './shell-fallback.ts';

const everySignal = Array.from({ length: 64 }, (_, index) => (index + 1) as Signal);

/**
 * The signals that the workload ignores from its start. Not SIGCHLD: POSIX leaves that one to the system, and while
 * init ignored it, the kernel would discard the statuses of children.
 */
export function signalsToIgnore(ignoredSignals: SignalSet): Signal[] {
  return everySignal.filter((signal) => inSignalSet(ignoredSignals, signal) && signal !== SIGCHLD);
}

/**
 * Starts the workload with everything that init inherited restored: ignored signals, signal mask, descriptors, descriptor
 * limit and environment.
 * @throws Failure with the exit status, if the command cannot be run
 */
export function startWorkload(
  command: Command,
  inherited: Inherited,
  place: Pick<Spawn, 'leads' | 'group' | 'openTerminalAs' | 'leavesDirectory'>,
): Pid {
  const { descriptors = STANDARD_STREAMS, descriptorLimit, environment, blockedSignals } = inherited;
  const ignored = signalsToIgnore(inherited.ignoredSignals);
  for (const descriptor of STANDARD_STREAMS) setCloseOnExec(descriptor, !descriptors.includes(descriptor));
  for (const descriptor of inheritedFromThree(inherited)) setCloseOnExec(descriptor, false);
  // If a seccomp profile refuses this, it refused node too, and node did not raise the limit.
  const raisedLimit = descriptorLimit === undefined ? undefined : setDescriptorLimit(descriptorLimit);
  const listens = variable(environment, 'LISTEN_PID') === String(process.pid);
  const argv = listens ? listenAsOwnPid(command, environment) : command;
  const attributes = {
    environment,
    defaultSignals: (signalSet(everySignal) & ~signalSet(ignored)) as SignalSet,
    signalMask: blockedSignals,
    ...place,
  };
  try {
    // posix_spawn(3) can reset a disposition but not ignore a signal: the child inherits ignored signals from init.
    return whileIgnoring(ignored, () => spawnOrFallBack(argv, inherited.argv0, attributes));
  } finally {
    // If it is refused, init goes on with the workload's limit.
    if (raisedLimit !== undefined) setDescriptorLimit(raisedLimit);
  }
}

function spawnOrFallBack(
  command: Command,
  argv0: ByteString | undefined,
  attributes: Omit<Spawn, 'file' | 'argv'>,
): Pid {
  const [file, ...args] = command;
  try {
    return spawn({ file, argv: [argv0 ?? file, ...args], ...attributes });
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    return fallBackToShell(error, command, attributes);
  }
}

/**
 * Socket activation, sd_listen_fds(3): LISTEN_PID must be the pid of the process that takes the sockets. If it is
 * init's, the workload's pid must replace it. Only the new process itself knows that before execve(2): a shell sets it.
 * LISTEN_PIDFDID would name init as well, and may be missing.
 */
function listenAsOwnPid(command: Command, environment: readonly ByteString[]): Command {
  // init explains better than the shell that a command was not found.
  if (findCommand(command[0], variable(environment, 'PATH')) === undefined) return command;
  // The shell exports its own PWD if there was none.
  const unsetPwd = variable(environment, 'PWD') === undefined ? 'unset PWD; ' : '';
  // With xtrace in SHELLOPTS, bash would print the workload's arguments.
  const script = `set +x; ${unsetPwd}unset LISTEN_PIDFDID; export LISTEN_PID=$$; exec "$@"`;
  return [SHELL, '-c' as ByteString, script as ByteString, 'sh' as ByteString, ...command];
}

/**
 * Lets go of the workload's resources. Closes init's copies of its descriptors, so that a pipe's reader sees the end when
 * the workload closes it. Leaves its directory, if it could not do so before the workload ran, so that it can be removed
 * or unmounted.
 */
export function letGo(inherited: Inherited): void {
  process.chdir('/');
  // EIO from a network file system, say: the descriptor is closed all the same, close(2).
  for (const descriptor of inheritedFromThree(inherited)) attempt(() => closeSync(descriptor));
}
