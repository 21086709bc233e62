import type { Fault, Phase } from '../helpers/inject.ts';

/**
 * What may become of init beside the two that always may: the workload's own status, and 125 to 127 with one line.
 *
 * - shell ends: the launcher's shell ends in its own words, with a status that is not 0, and nothing was started.
 * - nothing runs, and 0: the launcher's shell ends with 0, and nothing was started.
 * - no output: every duty is done, and the workload's standard output is not that of init.
 * - node ends: node, or its dynamic linker, ends by its own exit or abort. Nobody is left to end the workload.
 * - node hangs: node never gets to init's program, or libuv waits for its own lock.
 * - deaf: a signal does not reach the workload; its status is right.
 * - left behind: the status is right, and a process of another session outlives init.
 */
type Outcome =
  | 'shell ends'
  | 'nothing runs, and 0'
  | 'no output'
  | 'node ends'
  | 'node hangs'
  | 'deaf'
  | 'left behind';

interface Row {
  readonly phase: Phase;
  readonly calls: readonly string[];
  /** Every one by default. */
  readonly errnos?: readonly string[];
  /** Only if every call fails, not one. */
  readonly onlyEvery?: boolean;
  readonly outcome: Outcome | 'not tried';
  readonly reason: string;
}

const INTERRUPTED = 'a call that is interrupted begins again, as it must: one that always is never ends';

/** Where init itself cannot go on, and why. Any other outcome fails the test, and so does a row's in another place. */
export const knownOutcomes: readonly Row[] = [
  {
    phase: 'launcher',
    calls: ['any'],
    outcome: 'shell ends',
    reason: 'the shell cannot read its script, or start node',
  },
  {
    phase: 'launcher',
    calls: ['fcntl', 'read'],
    outcome: 'nothing runs, and 0',
    reason: 'dash takes a script that it cannot read for an empty one',
  },
  {
    phase: 'launcher',
    calls: ['dup2', 'fcntl'],
    outcome: 'no output',
    reason: 'a shell that cannot save or restore its standard output goes on without it',
  },
  {
    phase: 'launcher',
    calls: ['write'],
    errnos: ['EINTR'],
    onlyEvery: true,
    outcome: 'not tried',
    reason: INTERRUPTED,
  },
  {
    phase: 'launcher',
    calls: ['execve', 'mmap'],
    outcome: 'node ends',
    reason: 'a program that the kernel has begun to load cannot go back',
  },
  {
    phase: 'node',
    calls: ['any'],
    outcome: 'node ends',
    reason: 'node checks each step of its start, and aborts; its dynamic linker ends with 127',
  },
  {
    phase: 'node',
    // The C library makes a thread's stack with mprotect(2).
    calls: ['clone3', 'mprotect'],
    outcome: 'node hangs',
    reason: 'node waits for a helper thread of V8 whether it could start it or not',
  },
  {
    phase: 'node',
    calls: ['futex'],
    errnos: ['EINVAL'],
    onlyEvery: true,
    outcome: 'node hangs',
    reason: 'the C library tries again to get a lock',
  },
  {
    phase: 'node',
    calls: ['getrandom', 'write'],
    errnos: ['EINTR'],
    onlyEvery: true,
    outcome: 'not tried',
    reason: INTERRUPTED,
  },
  {
    phase: 'init',
    calls: ['epoll_ctl', 'epoll_pwait'],
    outcome: 'node ends',
    reason: 'libuv aborts if its event loop cannot wait',
  },
  {
    phase: 'init',
    calls: ['epoll_pwait', 'futex', 'openat', 'read'],
    errnos: ['EINTR', 'EAGAIN'],
    onlyEvery: true,
    outcome: 'not tried',
    reason: INTERRUPTED,
  },
  {
    phase: 'init',
    calls: ['write'],
    errnos: ['EINTR'],
    onlyEvery: true,
    outcome: 'not tried',
    reason: INTERRUPTED,
  },
  {
    phase: 'init',
    calls: ['read', 'write'],
    outcome: 'node ends',
    reason: 'the lock of libuv’s signal handles is a pipe: it aborts if that cannot be read or written',
  },
  {
    phase: 'init',
    calls: ['write'],
    outcome: 'node hangs',
    reason: 'libuv’s signal handler ignores that it could not release its lock',
  },
  {
    phase: 'init',
    calls: ['write'],
    outcome: 'deaf',
    reason: 'libuv’s signal handler writes to a pipe, and ignores its error',
  },
  {
    phase: 'init',
    calls: ['close'],
    outcome: 'node ends',
    reason: 'node aborts if a file that it has read cannot be closed',
  },
  {
    phase: 'init',
    calls: ['brk', 'madvise', 'mmap', 'mprotect', 'munmap'],
    outcome: 'node ends',
    reason: 'V8 and malloc(3) end the process if they cannot get memory, or change its protection',
  },
  {
    phase: 'init',
    calls: ['futex', 'rt_sigprocmask'],
    outcome: 'node ends',
    reason: 'the C library and libuv abort if a lock does not work',
  },
  {
    phase: 'init',
    calls: ['futex'],
    errnos: ['ENOSYS'],
    outcome: 'not tried',
    reason: 'every lock of the C library needs it: where it is missing, node does not start',
  },
  {
    phase: 'init',
    calls: ['fcntl'],
    onlyEvery: true,
    outcome: 'node ends',
    reason: 'init has said why; then node’s exit checks the flags of the standard streams, and aborts',
  },
  {
    phase: 'init',
    calls: ['pidfd_send_signal'],
    errnos: ['ESRCH'],
    outcome: 'deaf',
    reason: 'the kernel says that the workload has ended',
  },
  {
    phase: 'init',
    calls: ['wait4'],
    errnos: ['ECHILD'],
    outcome: 'left behind',
    reason: 'the kernel says that no process is left',
  },
  {
    phase: 'init',
    calls: ['prctl'],
    outcome: 'left behind',
    reason: 'without PR_SET_CHILD_SUBREAPER orphans go to another process; a warning says so',
  },
  {
    phase: 'spawn',
    calls: ['execve'],
    errnos: ['ENOEXEC'],
    outcome: 'shell ends',
    reason: 'a file of unknown format is run by /bin/sh, as execvp(3) does, and its status is the workload’s',
  },
];

/** The outcomes that are known for a fault. */
export function knownFor({ phase, call, errno, andAllBehind }: Fault): readonly Row['outcome'][] {
  return knownOutcomes
    .filter((row) => row.phase === phase && (row.calls.includes(call) || row.calls.includes('any')))
    .filter((row) => row.errnos === undefined || row.errnos.includes(errno))
    .filter((row) => !row.onlyEvery || andAllBehind)
    .map(({ outcome }) => outcome);
}
