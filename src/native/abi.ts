/**
 * Every constant and structure layout that the calls in this folder rely on, in one place. Linux has the same
 * values on x64 and arm64 for all of them; what differs between the C libraries is a pair. A test compiles a C
 * program of static assertions from this table, for each library and architecture that a compiler is there for.
 */
export const constants = {
  WNOHANG: 1,
  WUNTRACED: 2,
  WEXITED: 4,
  WNOWAIT: 0x01000000,
  __WNOTHREAD: 0x20000000,
  P_ALL: 0,

  PR_SET_PDEATHSIG: 1,
  PR_SET_NAME: 15,
  PR_SET_CHILD_SUBREAPER: 36,
  PR_GET_CHILD_SUBREAPER: 37,

  F_SETFD: 2,
  FD_CLOEXEC: 1,
  O_RDWR: 2,
  O_NOCTTY: 0o400,
  O_CLOEXEC: 0o2000000,
  MSG_DONTWAIT: 0x40,
  MSG_NOSIGNAL: 0x4000,
  POLLOUT: 4,

  RLIMIT_NOFILE: 7,
  MADV_DONTNEED: 4,

  CLOCK_BOOTTIME: 7,

  SYS_pidfd_send_signal: 424,
  SYS_pidfd_open: 434,

  SIGCHLD: 17,
  SIG_BLOCK: 0,
  POSIX_SPAWN_SETPGROUP: 2,
  POSIX_SPAWN_SETSIGDEF: 4,
  POSIX_SPAWN_SETSIGMASK: 8,
} as const;

/** Sizes and offsets in bytes. */
export const layouts = {
  sizeofSigset: 128,
  sizeofSpawnAttributes: 336,
  sizeofSiginfo: 128,
  siginfoPidOffset: 16,
  sizeofRlimit: 16,
  /** Of musl's, which keeps room for fields to come; glibc's is shorter. */
  sizeofRusage: 272,
  rusageUserTimeOffset: 0,
  rusageSystemTimeOffset: 16,
  rusageMaxRssOffset: 32,
  sizeofTimespec: 16,
  sizeofPollfd: 8,
} as const;

/** The first real-time signal that a program may use: the C library keeps those below for itself, signal(7). */
export const realTimeMinimum = { glibc: 34, musl: 35 } as const;
/** The last real-time signal, as in the kernel's _NSIG. */
export const realTimeMaximum = 64;
