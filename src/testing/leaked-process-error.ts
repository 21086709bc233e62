/** A process that was left running. */
export interface LeakedProcess {
  readonly pid: number;
  /** The program's name, at most 15 bytes. */
  readonly name: string;
  /** Its arguments, in one line. */
  readonly command: string;
  /** One letter: proc_pid_stat(5). */
  readonly state: string;
  /** The same in a word: "sleeping". */
  readonly stateName: string;
  readonly ageMs: number;
  /** Whether its parent is gone, so that this process has adopted it. */
  readonly isOrphan: boolean;
  /** Its parent, the parent's, and so on up to this process. */
  readonly parents: readonly { readonly pid: number; readonly name: string }[];
}

/** Processes were left running; by now they have been ended. */
export class LeakedProcessError extends Error {
  override readonly name = 'LeakedProcessError';
  readonly processes: readonly LeakedProcess[];

  /**
   * @param who what left them: a test's name
   * @param cause why some of them could not be ended
   */
  constructor(who: string, processes: readonly LeakedProcess[], cause?: unknown) {
    const count = processes.length === 1 ? 'a process' : `${processes.length} processes`;
    const outcome = cause === undefined ? 'ended by now' : `not all of which could be ended (${cause})`;
    super(
      [`${who} left ${count} running, ${outcome}:`, ...processes.map(describe)].join('\n'),
      cause === undefined ? undefined : { cause },
    );
    this.processes = processes;
  }
}

function describe({ pid, command, stateName, ageMs, isOrphan, parents }: LeakedProcess): string {
  const chain = parents.map(({ pid, name }) => `${pid} ${name}`).join(' < ');
  const origin = isOrphan ? `an orphan, adopted by ${chain}` : `below ${chain}`;
  return `  ${pid} ${command}\n    ${stateName}, ${(ageMs / 1000).toFixed(1)} s old, ${origin}`;
}
