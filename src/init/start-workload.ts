import { setCloseOnExec, setDescriptorLimit } from '../native/descriptors.ts';
import { inSignalSet, signalSet } from '../native/signal-set.ts';
import { whileIgnoring } from '../native/signals.ts';
import { type Spawn, spawn } from '../native/spawn.ts';
import { SystemError } from '../native/system-error.ts';
import type { ByteString, Pid, Signal, SignalSet } from '../native/types.ts';
import { signalNumber } from '../signals/signal-names.ts';
import { attempt } from './attempt.ts';
import { variable } from './byte-strings.ts';
import type { Command } from './command.ts';
import { type Inherited, inheritedFromThree, STANDARD_STREAMS } from './inherited.ts';
import { fallBackToShell } from './shell-fallback.ts';
import { listenAsOwnPid } from './socket-activation.ts';

const everySignal = Array.from({ length: 64 }, (_, index) => (index + 1) as Signal);

/**
 * The signals that the workload ignores from its start. Not SIGCHLD: POSIX leaves that one to the system, and while
 * init ignored it, the kernel would discard the statuses of children.
 */
export function signalsToIgnore(ignoredSignals: SignalSet): Signal[] {
  return everySignal.filter(
    (signal) => inSignalSet(ignoredSignals, signal) && signal !== signalNumber('SIGCHLD'),
  );
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
  let raisedLimit = undefined as bigint | undefined;
  // If a seccomp profile refuses this, it refused node too, and node did not raise the limit.
  if (descriptorLimit !== undefined) {
    attempt(() => {
      raisedLimit = setDescriptorLimit(descriptorLimit);
    });
  }
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
    // The workload runs: init goes on with the workload's limit.
    const limit = raisedLimit;
    if (limit !== undefined) attempt(() => void setDescriptorLimit(limit));
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
