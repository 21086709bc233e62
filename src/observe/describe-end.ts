import type { Signal } from '../native/types.ts';
import type { Ended } from '../reaper/wait-status.ts';
import { faultSignals } from '../signals/catchable.ts';
import { SIGABRT, SIGKILL } from '../signals/numbers.ts';
import { signalName } from '../signals/signal-names.ts';
import type { MemoryCgroup } from './cgroups.ts';
import { size } from './quantities.ts';

const ownTimer = 'a timer that it set with alarm(2) or setitimer(2) expired';
/** Nobody has to send these: signal(7), getrlimit(2). */
const usualCauses: Readonly<Record<string, string>> = {
  SIGPIPE: 'it wrote to a pipe that nobody reads',
  SIGXFSZ: 'it exceeded its limit on file sizes (RLIMIT_FSIZE)',
  SIGXCPU: 'it used up its CPU time (RLIMIT_CPU)',
  SIGALRM: ownTimer,
  SIGVTALRM: ownTimer,
  SIGPROF: ownTimer,
};

/**
 * Which signal ended the workload, or seems to have, and where it may come from.
 * @param knownOomKills how many OOM kills were known before this one; undefined if nobody has read that
 */
export function describeEnd(
  how: Ended,
  memory: MemoryCgroup | undefined,
  knownOomKills: number | undefined,
): string {
  const oomKill = describeOomKill(memory, knownOomKills);
  if (how.kind === 'exited') {
    const signal = (how.code - 128) as Signal;
    const whose = `${how.code} is 128 + ${signal}: ${signalName(signal)} may have ended one of its children`;
    const cause = signal === SIGKILL && oomKill !== undefined ? `, ${oomKill}` : '';
    return `the workload exited with ${how.code}, no signal ended it; ${whose}${cause}`;
  }
  const { signal, coreDumped } = how;
  const killed = `the workload was killed by ${signalName(signal)}`;
  const core = coreDumped ? ', core dumped' : ', no core dumped';
  if (signal === SIGABRT) return `${killed}, which a program raises with abort(3)${core}`;
  if (faultSignals().includes(signal)) return `${killed}, which the kernel sends for a fault${core}`;
  const notFromInit = `${killed}: init did not send it`;
  if (signal === SIGKILL)
    return oomKill === undefined ? `${notFromInit}, ${otherKill(memory)}` : `${killed}, ${oomKill}`;
  const cause = usualCauses[signalName(signal)];
  return `${notFromInit}${cause === undefined ? '' : `; most likely ${cause}`}${coreDumped ? core : ''}`;
}

/** The count is that of init's cgroup, and the workload may be in another one. */
function otherKill(memory: MemoryCgroup | undefined): string {
  const counted =
    memory === undefined
      ? 'and the OOM killer cannot be ruled out here'
      : "and the kernel counted no OOM kill in init's cgroup";
  return `${counted}; it may come from the workload itself, from another process, or from its limit on CPU time (RLIMIT_CPU)`;
}

/**
 * The kernel counts its kills, and does not tell which process it killed.
 * @returns undefined if it has counted no OOM kill
 */
function describeOomKill(
  memory: MemoryCgroup | undefined,
  knownOomKills: number | undefined,
): string | undefined {
  if (memory === undefined || memory.oomKills <= (knownOomKills ?? 0)) return undefined;
  const { limitBytes, peakBytes, oomKills } = memory;
  const limit = limitBytes === undefined ? 'no limit of its own' : `limit ${size(limitBytes)}`;
  const peak = peakBytes === undefined ? '' : `, peak ${size(peakBytes)}`;
  const facts = `${limit}${peak} (oom_kill ${oomKills})`;
  return knownOomKills === undefined
    ? `perhaps from the OOM killer: ${facts}, unless that kill came before init started`
    : `probably from the OOM killer: ${facts}`;
}
