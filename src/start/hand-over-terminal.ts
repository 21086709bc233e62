import { attempt } from '../native/attempt.ts';
import type { SystemError } from '../native/system-error.ts';
import { giveUpTerminal, leadsSession, reopenInput } from '../native/terminal.ts';
import { signalNumber } from '../signals/signal-names.ts';

const handOffSignals = (['SIGHUP', 'SIGCONT'] as const).map(signalNumber);

/**
 * Gives up init's terminal, if standard input is that, for a workload that will lead a session of its own.
 * @returns
 * - terminal: 'shared' if another process leads the session, so that the terminal stays its own
 * - signals: what init gets for giving up the terminal, if it was in the foreground
 * - openAs: a descriptor with which the workload can take the terminal. init keeps it open: it is close-on-exec
 */
export function handOverTerminal() {
  const isLeader = leadsSession();
  const error = attempt(() => giveUpTerminal(0)) as SystemError | undefined;
  if (error !== undefined) return { terminal: { error } };
  if (!isLeader) return { terminal: 'shared' as const };
  return { terminal: 'handed-over' as const, signals: handOffSignals, openAs: reopenInput() };
}
