import type { Output } from './pipe-holders.ts';
import { ownLines } from './where-started.ts';

/** A process that a test left running. */
export interface LeakedProcess {
  readonly pid: number;
  /** The program's name, at most 15 bytes. */
  readonly name: string;
  /** Its arguments, on one line. */
  readonly command: string;
  /** One letter: proc_pid_stat(5). */
  readonly state: string;
  /** The state as a word: "sleeping". */
  readonly stateName: string;
  readonly ageMs: number;
  /** Whether its parent has ended, and this process has adopted it. */
  readonly isOrphan: boolean;
  /** Its parent, its parent's parent, and so on up to this process. */
  readonly parents: readonly { readonly pid: number; readonly name: string }[];
  /**
   * Which of this process's outputs it holds open, if they are pipes or sockets: whoever reads them waits for it, which is
   * why a build hangs.
   */
  readonly holdsOpen: readonly Output[];
}

/** A test left processes running. They have been ended by now. */
export class LeakedProcessError extends Error {
  override readonly name = 'LeakedProcessError';
  readonly processes: readonly LeakedProcess[];

  /**
   * @param who the name of the test that left them
   * @param cause the reason why some of them could not be ended
   * @param startedAt the lines of a stack that say where they were started
   */
  constructor(
    who: string,
    processes: readonly LeakedProcess[],
    cause?: unknown,
    startedAt: readonly string[] = [],
  ) {
    const count = processes.length === 1 ? 'a process' : `${processes.length} processes`;
    const outcome = cause === undefined ? 'ended by now' : `not all of which could be ended (${cause})`;
    super(
      [`${who} left ${count} running, ${outcome}:`, ...processes.map(describe)].join('\n'),
      cause === undefined ? undefined : { cause },
    );
    this.processes = processes;
    // A runner shows the line at the top of the stack. Where this error is made is of no use to anybody.
    const lines = startedAt.length > 0 ? startedAt : ownLines(this.stack);
    this.stack = [`${this.name}: ${this.message}`, ...lines].join('\n');
  }
}

function describe({ pid, command, stateName, ageMs, isOrphan, parents, holdsOpen }: LeakedProcess): string {
  const chain = parents.map(({ pid, name }) => `${pid} ${name}`).join(' < ');
  const origin = isOrphan ? `an orphan, adopted by ${chain}` : `below ${chain}`;
  const lines = [`  ${pid} ${command}`, `    ${stateName}, ${(ageMs / 1000).toFixed(1)} s old, ${origin}`];
  if (holdsOpen.length > 0) lines.push(`    holds this process's ${holdsOpen.join(' and ')} open`);
  return lines.join('\n');
}
