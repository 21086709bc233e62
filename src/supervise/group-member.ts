import { closeSync } from 'node:fs';
import { toBytes } from '../native/byte-strings.ts';
import { openPipe, setCloseOnExec } from '../native/descriptors.ts';
import { kill } from '../native/process.ts';
import { signalSet } from '../native/signal-set.ts';
import { spawn } from '../native/spawn.ts';
import type { ByteString, Pid, Signal, SignalSet } from '../native/types.ts';
import { lastWaitStatus, waitUntilEnded } from '../native/wait.ts';
import { signalNumber } from '../signals/signal-names.ts';

const everySignal = (2n ** 64n - 1n) as SignalSet;
/** What Ctrl-C and Ctrl-\ send. */
const fromTheTerminal = signalSet((['SIGINT', 'SIGQUIT'] as const).map(signalNumber));

export type GroupMember = ReturnType<typeof joinGroup>;

/**
 * Starts a process of the workload's group that dies by what a Ctrl-C sends, and so tells init: the terminal signals the
 * workload's group, and init is in another. A workload that handles the signal tells nobody. It blocks all other signals,
 * waits for a pipe to end, and so ends with init too.
 * @param ignored signals that the workload starts out ignoring: they stop nothing
 * @throws SystemError where there is no cat(1), no descriptor or no process left, or no such group any more
 */
export function joinGroup(group: Pid, ignored: readonly Signal[]) {
  const { readEnd, writeEnd } = openPipe();
  try {
    setCloseOnExec(readEnd, false);
    const argv = ['cat', `/proc/self/fd/${readEnd}`].map(toBytes) as [ByteString, ByteString];
    const pid = spawn({
      file: argv[0],
      argv,
      environment: [],
      defaultSignals: everySignal,
      signalMask: (everySignal & ~(fromTheTerminal & ~signalSet(ignored))) as SignalSet,
      group,
    });
    return {
      pid,
      /** Ends it, unless it has ended. @returns its wait status: it may have died by the signal just before */
      end(): number {
        kill(pid, signalNumber('SIGKILL') as Signal);
        waitUntilEnded(pid);
        return lastWaitStatus();
      },
      /** Once its status has been taken. */
      close: () => closeSync(writeEnd),
    };
  } catch (error) {
    closeSync(writeEnd);
    throw error;
  } finally {
    closeSync(readEnd);
  }
}
