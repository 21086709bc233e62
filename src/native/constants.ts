// Every constant that the calls in this folder use. They are the same on x64 and arm64 Linux; signal-set.ts has a pair for
// the one that differs between C libraries. Each is a separate export, so that a bundle inlines the numbers and holds no
// table. A test compiles this module and layouts.ts into a C program of static assertions, for each library and
// architecture that has a compiler on the machine.

export const WNOHANG = 1;
export const WUNTRACED = 2;
export const WSTOPPED = 2;
export const WEXITED = 4;
export const WNOWAIT = 0x01000000;
export const __WNOTHREAD = 0x20000000;
export const P_ALL = 0;
export const P_PID = 1;
export const CLD_TRAPPED = 4;
export const ECHILD = 10;
export const EINTR = 4;
export const ESRCH = 3;

export const PR_SET_PDEATHSIG = 1;
export const PR_SET_DUMPABLE = 4;
export const PR_SET_NAME = 15;
export const PR_SET_CHILD_SUBREAPER = 36;
export const PR_GET_CHILD_SUBREAPER = 37;

export const F_SETFD = 2;
export const F_GETPIPE_SZ = 1032;
export const F_SETPIPE_SZ = 1031;
export const FD_CLOEXEC = 1;
export const O_RDWR = 2;
export const O_NOCTTY = 0o400;
export const O_CLOEXEC = 0o2000000;
export const O_PATH = 0o10000000;
export const MSG_DONTWAIT = 0x40;
export const MSG_NOSIGNAL = 0x4000;
export const POLLOUT = 4;
export const TIOCNOTTY = 0x5422;
export const EPOLL_CLOEXEC = 0o2000000;
export const EPOLL_CTL_ADD = 1;
export const EPOLLRDHUP = 0x2000;

export const AF_UNIX = 1;
export const AF_NETLINK = 16;
export const SOCK_RAW = 3;
export const SOCK_CLOEXEC = 0o2000000;
export const NETLINK_SOCK_DIAG = 4;
export const NLM_F_REQUEST = 1;
export const NLMSG_ERROR = 2;
export const SOCK_DIAG_BY_FAMILY = 20;
export const UDIAG_SHOW_PEER = 4;
export const UNIX_DIAG_PEER = 2;

export const RLIMIT_NOFILE = 7;
export const MADV_DONTNEED = 4;

export const CLOCK_BOOTTIME = 7;

export const SYS_pidfd_send_signal = 424;
export const SYS_pidfd_open = 434;
export const PIDFD_SIGNAL_PROCESS_GROUP = 4;
export const PIDFD_GET_INFO = 0xc040ff0b;
export const PIDFD_INFO_EXIT = 8;

export const PTRACE_DETACH = 17;

export const SIGTRAP = 5;
export const SIGCHLD = 17;
export const CLONE_VM = 0x100;
export const CLONE_VFORK = 0x4000;
export const SIG_BLOCK = 0;
export const SIG_SETMASK = 2;
export const SA_NOCLDWAIT = 2;
export const POSIX_SPAWN_SETPGROUP = 2;
export const POSIX_SPAWN_SETSIGDEF = 4;
export const POSIX_SPAWN_SETSIGMASK = 8;
export const POSIX_SPAWN_SETSID = 0x80;
