import { closeSync } from 'node:fs';
import { setCloseOnExec, setDescriptorLimit } from '../native/descriptors.ts';
import { inSignalSet, signalSet } from '../native/signal-set.ts';
import { ignoreSignal } from '../native/signals.ts';
import { type Spawn, spawn } from '../native/spawn.ts';
import { SystemError } from '../native/system-error.ts';
import type { ByteString, Pid, Signal, SignalSet } from '../native/types.ts';
import { signalNumber } from '../signals/signal-names.ts';
import { Failure, quoted } from './failure.ts';
import { type Found, findCommand } from './find-command.ts';
import { fromBytes, type Inherited, variable } from './inherited.ts';

/** A program, as it was typed, and its arguments. */
export type Command = readonly [ByteString, ...ByteString[]];

const SHELL = '/bin/sh' as ByteString;
const STANDARD_STREAMS = [0, 1, 2];
const everySignal = Array.from({ length: 64 }, (_, index) => (index + 1) as Signal);

/**
 * The signals that the workload starts out ignoring. Not SIGCHLD: POSIX leaves that one to the system, and while
 * init ignored it the kernel would throw the statuses of children away.
 */
export function signalsToIgnore({ ignoredSignals }: Inherited): Signal[] {
  return everySignal.filter(
    (signal) => inSignalSet(ignoredSignals, signal) && signal !== signalNumber('SIGCHLD'),
  );
}

/**
 * Starts the workload as the leader of a process group of its own, with all that init inherited put back: the
 * ignored signals, the mask, the descriptors, the descriptor limit, the environment.
 * @throws Failure with the exit status for a command that cannot be run
 */
export function startWorkload(command: Command, inherited: Inherited): Pid {
  const { descriptors = STANDARD_STREAMS, descriptorLimit, environment, blockedSignals } = inherited;
  const ignored = signalsToIgnore(inherited);
  // posix_spawn(3) can reset a disposition but not ignore a signal; the child inherits that from init.
  for (const signal of ignored) ignoreSignal(signal);
  for (const descriptor of STANDARD_STREAMS) setCloseOnExec(descriptor, !descriptors.includes(descriptor));
  for (const descriptor of inheritedFromThree(inherited)) setCloseOnExec(descriptor, false);
  const raisedLimit = descriptorLimit === undefined ? undefined : setDescriptorLimit(descriptorLimit);
  try {
    return spawnCommand(listenAsOwnPid(command, environment), {
      environment,
      defaultSignals: (signalSet(everySignal) & ~signalSet(ignored)) as SignalSet,
      signalMask: blockedSignals,
    });
  } finally {
    if (raisedLimit !== undefined) setDescriptorLimit(raisedLimit);
  }
}

/**
 * Lets go of what is the workload's: closes init's copies of its descriptors, so that a pipe's reader sees the end once
 * the workload is done with it, and leaves its directory, so that it can be removed or unmounted.
 */
export function letGo(inherited: Inherited): void {
  process.chdir('/');
  for (const descriptor of inheritedFromThree(inherited)) {
    try {
      closeSync(descriptor);
    } catch {
      // EIO of a network file system, say: it is closed all the same, close(2).
    }
  }
}

function inheritedFromThree({ descriptors = [] }: Inherited): number[] {
  return descriptors.filter((descriptor) => !STANDARD_STREAMS.includes(descriptor));
}

/**
 * Socket activation, sd_listen_fds(3): LISTEN_PID must be the pid of the process that takes the sockets. If it is
 * init's, the workload's has to take its place, and only the new process itself can tell that before execve(2).
 */
function listenAsOwnPid(command: Command, environment: readonly ByteString[]): Command {
  if (variable(environment, 'LISTEN_PID') !== String(process.pid)) return command;
  // What cannot be found is better said by init than by the shell.
  if (findCommand(command[0], variable(environment, 'PATH')) === undefined) return command;
  // The shell exports a PWD of its own making where there was none.
  const unsetPwd = variable(environment, 'PWD') === undefined ? 'unset PWD; ' : '';
  const script = `${unsetPwd}export LISTEN_PID=$$; exec "$@"`;
  return [SHELL, '-c' as ByteString, script as ByteString, 'sh' as ByteString, ...command];
}

function spawnCommand(command: Command, attributes: Omit<Spawn, 'file' | 'argv'>): Pid {
  const [file, ...args] = command;
  try {
    return spawn({ file, argv: command, ...attributes });
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    const located = findCommand(file, variable(attributes.environment, 'PATH'));
    if (error.code !== 'ENOEXEC' || located === undefined) throw explained(error, file, located?.found);
    // A script without a #! line: execvp(3) hands it to the shell, posix_spawnp(3) does not.
    try {
      return spawn({ file: SHELL, argv: [SHELL, located.file, ...args], ...attributes });
    } catch {
      const why = 'it has no #! line, and there is no /bin/sh to run it';
      throw new Failure(
        126,
        `${quoted(fromBytes(file))} cannot be run, ${why}; add a #! line with an interpreter`,
      );
    }
  }
}

/** The exit status and the line for a command that could not be started. */
function explained(error: SystemError, file: ByteString, found: Found | undefined): Failure {
  const name = quoted(fromBytes(file));
  if (error.code === 'EAGAIN' || error.code === 'ENOMEM') {
    return new Failure(125, `cannot start ${name}, ${error.message}; raise the limit on processes or memory`);
  }
  if (found === undefined) {
    return file.includes('/')
      ? new Failure(127, `${name} not found, there is no such file; check the path and the working directory`)
      : new Failure(127, `${name} not found, it is in no directory of PATH; install it or give its path`);
  }
  return new Failure(126, `${name} cannot be run, ${whyRefused(error, found)}`);
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
