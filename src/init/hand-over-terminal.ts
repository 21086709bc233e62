import type { SystemError } from '../native/system-error.ts';
import { giveUpTerminal, leadsSession, reopenInput } from '../native/terminal.ts';
import type { Signal } from '../native/types.ts';
import { signalNumber } from '../signals/signal-names.ts';
import { attempt } from './attempt.ts';

export interface HandOver {
  /** 'shared': another process leads the session, so the terminal stays its own. */
  readonly terminal: 'handed-over' | 'shared' | { readonly error: SystemError };
  /** What init gets for giving up the terminal, if it was in the foreground. */
  readonly signals: readonly Signal[];
  /** The number of a descriptor with which the workload can take the terminal. init keeps it open: it is close-on-exec. */
  readonly openAs: number | undefined;
}

const handOffSignals = (['SIGHUP', 'SIGCONT'] as const).map(signalNumber);

/** Gives up init's terminal, if standard input is that, for a workload that will lead a session of its own. */
export function handOverTerminal(): HandOver {
  const isLeader = leadsSession();
  const error = attempt(() => giveUpTerminal(0));
  if (error !== undefined)
    return { terminal: { error: error as SystemError }, signals: [], openAs: undefined };
  if (!isLeader) return { terminal: 'shared', signals: [], openAs: undefined };
  return { terminal: 'handed-over', signals: handOffSignals, openAs: reopenInput() };
}
