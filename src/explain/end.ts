import type { Signal } from '../native/types.ts';
import type { Ended } from '../reaper/wait-status.ts';
import { signalNumber } from '../signals/signal-names.ts';
import type { MemoryCgroup } from './cgroups.ts';
import { size } from './quantities.ts';

const SIGKILL = signalNumber('SIGKILL');
const SIGABRT = signalNumber('SIGABRT');
/** The kernel raises these for the faults of a program. */
const faults = (['SIGSEGV', 'SIGBUS', 'SIGFPE', 'SIGILL', 'SIGTRAP', 'SIGSYS'] as const).map(signalNumber);

const ownTimer = 'a timer that the workload has set, alarm(2) or setitimer(2), has expired';
/** Nobody has to send these: signal(7), getrlimit(2). */
const usualCauses: ReadonlyMap<Signal, string> = new Map(
  (
    [
      ['SIGPIPE', 'it wrote to a pipe that nobody reads'],
      ['SIGXFSZ', 'it made a file larger than its limit (RLIMIT_FSIZE)'],
      ['SIGXCPU', 'it used up its CPU time (RLIMIT_CPU)'],
      ['SIGALRM', ownTimer],
      ['SIGVTALRM', ownTimer],
      ['SIGPROF', ownTimer],
    ] as const
  ).map(([name, cause]) => [signalNumber(name), cause]),
);

/** What is known of the workload's end. */
export interface End {
  readonly how: Ended;
  readonly memory: MemoryCgroup | undefined;
  /** How many kills for memory were known before this one; undefined if nobody has read that. */
  readonly knownOomKills: number | undefined;
  readonly nameOf: (signal: Signal) => string;
}

/** Which signal ended the workload, or seems to have, and where it may come from. */
export function describeEnd(end: End): string {
  const { how, nameOf } = end;
  if (how.kind === 'exited') {
    const signal = (how.code - 128) as Signal;
    const whose = `${how.code} is 128 + ${signal}: ${nameOf(signal)} may have ended one of its children`;
    const cause = signal === SIGKILL ? forMemory(end) : undefined;
    return `the workload exited with ${how.code}, no signal ended it; ${whose}${cause ? `, ${cause}` : ''}`;
  }
  const { signal, coreDumped } = how;
  const killed = `the workload was killed by ${nameOf(signal)}`;
  const core = coreDumped ? ', core dumped' : ', no core dumped';
  if (faults.includes(signal)) return `${killed}, which the kernel sends for a fault${core}`;
  if (signal === SIGABRT) return `${killed}, which a program sends itself when it gives up${core}`;
  const notFromInit = `${killed}: init did not send it`;
  if (signal === SIGKILL) {
    const cause = forMemory(end);
    return cause === undefined ? `${notFromInit}, ${otherKill(end)}` : `${killed}, ${cause}`;
  }
  const cause = usualCauses.get(signal);
  return `${notFromInit}${cause === undefined ? '' : `; most likely ${cause}`}${coreDumped ? core : ''}`;
}

/** The count is that of init's cgroup, and the workload may be in another one. */
function otherKill({ memory }: End): string {
  const counted =
    memory === undefined
      ? 'and whether the kernel did, for memory, cannot be known here'
      : "and the kernel counted no kill for memory in init's cgroup";
  return `${counted}; the workload itself may have sent it, another process, or its limit of CPU time (RLIMIT_CPU)`;
}

/**
 * The kernel counts its kills, and does not tell which process it killed.
 * @returns undefined if it has killed nothing for memory
 */
function forMemory({ memory, knownOomKills }: End): string | undefined {
  if (memory === undefined || memory.oomKills <= (knownOomKills ?? 0)) return undefined;
  const { limitBytes, peakBytes, oomKills } = memory;
  const limit = limitBytes === undefined ? 'no limit of its own' : `limit ${size(limitBytes)}`;
  const peak = peakBytes === undefined ? '' : `, peak ${size(peakBytes)}`;
  const facts = `${limit}${peak} (oom_kill ${oomKills})`;
  return knownOomKills === undefined
    ? `perhaps by the kernel for memory: ${facts}, unless that was before init started`
    : `probably by the kernel for memory: ${facts}`;
}
