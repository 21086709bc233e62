import type { Signal } from '../native/types.ts';
import type { Ended } from '../reaper/wait-status.ts';
import { signalNumber } from '../signals/signal-names.ts';
import type { MemoryCgroup } from './cgroups.ts';
import { size } from './quantities.ts';

const SIGKILL = signalNumber('SIGKILL');
const SIGABRT = signalNumber('SIGABRT');

/** What is known of the workload's end. */
export interface End {
  readonly how: Ended;
  readonly memory: MemoryCgroup | undefined;
  /** How many kills for memory were known before the workload ran; undefined if nobody looked. */
  readonly knownOomKills: number | undefined;
  readonly nameOf: (signal: Signal) => string;
  /** The signals that the kernel raises for the faults of a program. */
  readonly faults: readonly Signal[];
}

/** Which signal ended the workload, or seems to have, and who sent it. */
export function describeEnd(end: End): string {
  const { how, nameOf, faults } = end;
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
  const from = 'from outside: init did not send it';
  if (signal !== SIGKILL) return `${killed} ${from}${coreDumped ? core : ''}`;
  const cause = forMemory(end);
  if (cause !== undefined) return `${killed}, ${cause}`;
  const memory = end.memory === undefined ? 'whether for memory is not known' : 'and it was not for memory';
  return `${killed} ${from}, ${memory}`;
}

/** undefined if the kernel has killed nothing for memory. */
function forMemory({ memory, knownOomKills }: End): string | undefined {
  if (memory === undefined || memory.oomKills <= (knownOomKills ?? 0)) return undefined;
  const { limitBytes, peakBytes, oomKills } = memory;
  const limit = limitBytes === undefined ? 'no limit of its own' : `limit ${size(limitBytes)}`;
  const peak = peakBytes === undefined ? '' : `, peak ${size(peakBytes)}`;
  const facts = `${limit}${peak} (oom_kill ${oomKills})`;
  return knownOomKills === undefined
    ? `probably by the kernel for memory: ${facts}, unless that was before init started`
    : `by the kernel for memory: ${facts}`;
}
