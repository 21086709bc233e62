import { readFileSync } from 'node:fs';
import { statusField, threadsOf } from '../helpers/proc.ts';

/** A process by its pids: the one that this process sees, and the one in its own PID namespace. */
export interface Watched {
  readonly pid: number;
  readonly ownPid: number;
  /** Its process group in its own PID namespace. */
  readonly ownGroup: number;
  /** Any of them may take a signal. */
  readonly threads: readonly number[];
}

const calls = ['kill', 'tkill', 'tgkill', 'pidfd_open', 'pidfd_send_signal'];

/**
 * strace(1) in front of a command: writes which signals each of its processes sends and gets, in a file a thread. The other
 * system calls are as fast as ever (--seccomp-bpf).
 */
export function straceInto(prefix: string): string[] {
  return ['strace', '-ff', '--seccomp-bpf', '-ttt', '-o', prefix, '-e', `trace=${calls}`, '-e', 'signal=all'];
}

interface Line {
  /** In seconds. */
  readonly at: number;
  readonly text: string;
}

/** PIDFD_SIGNAL_PROCESS_GROUP, linux/pidfd.h. */
const TO_GROUP = 4;

export interface SignalLog {
  /** How often one process has sent these signals to another one that ran. A send to its group counts, too. */
  sends(from: Watched, to: Watched, signals: readonly string[]): number;
  /** The sender of each of these signals that a process got, in order: pids of its namespace, 0 for the kernel. */
  senders(to: Watched, signals: readonly string[]): number[];
  /** 'exited with 0', 'killed by SIGTERM'. */
  end(of: Watched): string;
}

/** Reads what strace has written. */
export function readSignals(prefix: string): SignalLog {
  const linesOf = (id: number): Line[] =>
    readFileSync(`${prefix}.${id}`, 'utf8')
      .split('\n')
      .map((line) => /^([\d.]+) (.*)$/.exec(line))
      .flatMap((found) => (found === null ? [] : [{ at: Number(found[1]), text: found[2] as string }]));
  const endOf = ({ pid }: Watched) => linesOf(pid).find(({ text }) => text.startsWith('+++ '));

  return {
    sends(from, to, signals) {
      /** What the sender's pidfds refer to. */
      const pidfds = new Map<number, number>();
      const toEndsAt = endOf(to)?.at ?? Number.POSITIVE_INFINITY;
      let count = 0;
      for (const { at, text } of linesOf(from.pid)) {
        const opened = /^pidfd_open\((\d+), .*\) += (\d+)$/.exec(text);
        if (opened !== null) pidfds.set(Number(opened[2]), Number(opened[1]));
        const [, call, target = '', signal = '', flags] =
          /^(kill|pidfd_send_signal)\((-?\d+), (\w+)(?:, NULL, (\w+))?.*\) += 0$/.exec(text) ?? [];
        if (!signals.includes(signal) || at > toEndsAt) continue;
        if (call === 'kill') {
          if ([to.ownPid, -to.ownGroup, -1].includes(Number(target))) count++;
        } else {
          const isGroup = (Number(flags) & TO_GROUP) !== 0;
          if (pidfds.get(Number(target)) === (isGroup ? to.ownGroup : to.ownPid)) count++;
        }
      }
      return count;
    },
    senders(to, signals) {
      return to.threads
        .flatMap(linesOf)
        .sort((one, other) => one.at - other.at)
        .flatMap(({ text }) => {
          const [, signal = '', code, pid] =
            /^--- (\w+) \{.*si_code=(\w+)(?:, si_pid=(\d+))?/.exec(text) ?? [];
          return signals.includes(signal) ? [code === 'SI_KERNEL' ? 0 : Number(pid)] : [];
        });
    },
    end: (of) => /^\+{3} (.*) \+{3}$/.exec(endOf(of)?.text ?? '')?.[1] ?? 'not seen',
  };
}

export function watched(pid: number): Watched {
  const own = (field: string) => Number(statusField(pid, field).split('\t').at(-1));
  return { pid, ownPid: own('NSpid'), ownGroup: own('NSpgid'), threads: threadsOf(pid) };
}
