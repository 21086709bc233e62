import { sinceBootMs } from '../native/clock.ts';
import type { Pid } from '../native/types.ts';
import type { Usage, WaitedFor } from '../native/wait.ts';
import { printableName } from '../process-tree/printable-name.ts';
import { msPerTick, type ProcessInfo } from '../process-tree/process-table.ts';
import { decodeWaitStatus } from '../reaper/wait-status.ts';
import { signalName } from '../signals/signal-names.ts';
import type { OrphanEvent } from './events.ts';

/** A reaped orphan and its resource usage, getrusage(2). Either `code` or `signal` is null, as in node. */
export interface ReapedOrphan extends Usage {
  readonly pid: number;
  /** The program's name, at most 15 bytes; null without /proc. */
  readonly name: string | null;
  /** Its exit code. */
  readonly code: number | null;
  /** The signal that ended it: "SIGKILL", "SIGRTMIN+3". */
  readonly signal: string | null;
  /** The time from its start until it was reaped, in milliseconds, to within 10; null without /proc. */
  readonly lifetimeMs: number | null;
}

/** @param info what /proc showed of the zombie, before it was reaped */
export function describeOrphan(
  pid: Pid,
  info: ProcessInfo | undefined,
  { status, usage }: WaitedFor,
): ReapedOrphan {
  const ended = decodeWaitStatus(status);
  return {
    pid,
    name: info === undefined ? null : printableName(info.name),
    code: ended.kind === 'exited' ? ended.code : null,
    signal: ended.kind === 'exited' ? null : signalName(ended.signal),
    ...usage,
    lifetimeMs: info === undefined ? null : Math.round(sinceBootMs() - info.startTime * msPerTick),
  };
}

export function orphanEvent(orphan: ReapedOrphan): OrphanEvent {
  const { pid, name, code, signal, userCpuMs, systemCpuMs, maxRssKib, lifetimeMs } = orphan;
  return {
    event: 'orphan',
    'process.pid': pid,
    'process.executable.name': name ?? undefined,
    'process.exit.code': code ?? undefined,
    signal: signal ?? undefined,
    'process.uptime': lifetimeMs === null ? undefined : lifetimeMs / 1000,
    // Whole microseconds, as the kernel counts them.
    'process.cpu.time': Math.round((userCpuMs + systemCpuMs) * 1000) / 1e6,
    maxRssKib,
  };
}
