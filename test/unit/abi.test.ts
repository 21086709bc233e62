import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bind } from '../../src/native/addon.ts';
import * as constants from '../../src/native/constants.ts';
import * as layouts from '../../src/native/layouts.ts';
import { realTimeMaximum, realTimeMinimum, signalSet, sigset } from '../../src/native/signal-set.ts';
import type { Signal } from '../../src/native/types.ts';
import { realTimeRange } from '../../src/signals/signal-names.ts';
import { buildFolder } from '../helpers/environment.ts';
import { command, lacking, needs } from '../helpers/needs.ts';

type Table<Key extends string> = Readonly<Record<Key, number>>;

const headers = [
  'errno.h',
  'fcntl.h',
  'poll.h',
  'sched.h',
  'signal.h',
  'spawn.h',
  'stddef.h',
  'stdint.h',
  'stdio.h',
  'string.h',
  'sys/epoll.h',
  'sys/ioctl.h',
  'sys/mman.h',
  'sys/prctl.h',
  'sys/ptrace.h',
  'sys/resource.h',
  'sys/socket.h',
  'sys/syscall.h',
  'sys/time.h',
  'sys/wait.h',
  'time.h',
];

/** A C expression for each layout; N is the number in the table. */
const layoutConditions: Readonly<Record<keyof typeof layouts, string>> = {
  sizeofSigset: 'sizeof(sigset_t) == N',
  sizeofSigaction: 'sizeof(struct sigaction) == N',
  sigactionFlagsOffset: 'offsetof(struct sigaction, sa_flags) == N',
  // Space for the attributes, which are opaque: one C library may need less than another.
  sizeofSpawnAttributes: 'sizeof(posix_spawnattr_t) <= N',
  sizeofSpawnFileActions: 'sizeof(posix_spawn_file_actions_t) <= N',
  sizeofSiginfo: 'sizeof(siginfo_t) == N',
  siginfoCodeOffset: 'offsetof(siginfo_t, si_code) == N',
  siginfoPidOffset: 'offsetof(siginfo_t, si_pid) == N',
  sizeofRlimit: 'sizeof(struct rlimit) == N',
  sizeofRusage: 'sizeof(struct rusage) <= N',
  rusageUserTimeOffset: 'offsetof(struct rusage, ru_utime) == N',
  rusageSystemTimeOffset: 'offsetof(struct rusage, ru_stime) == N',
  rusageMaxRssOffset: 'offsetof(struct rusage, ru_maxrss) == N',
  sizeofTimespec: 'sizeof(struct timespec) == N',
  sizeofPollfd: 'sizeof(struct pollfd) == N',
  sizeofPidfdInfo: 'sizeof(struct first_pidfd_info) == N',
  pidfdInfoExitCodeOffset: 'offsetof(struct first_pidfd_info, exit_code) == N',
  sizeofNlmsghdr: 'sizeof(struct nlmsghdr) == N',
  nlmsghdrTypeOffset: 'offsetof(struct nlmsghdr, nlmsg_type) == N',
  nlmsghdrFlagsOffset: 'offsetof(struct nlmsghdr, nlmsg_flags) == N',
  sizeofUnixDiagReq: 'sizeof(struct unix_diag_req) == N',
  unixDiagReqInodeOffset: 'offsetof(struct unix_diag_req, udiag_ino) == N',
  unixDiagReqShowOffset: 'offsetof(struct unix_diag_req, udiag_show) == N',
  unixDiagReqCookieOffset: 'offsetof(struct unix_diag_req, udiag_cookie) == N',
  sizeofUnixDiagMsg: 'sizeof(struct unix_diag_msg) == N',
};

/** Assumptions of the calls that the table does not have. */
const fixedConditions = [
  'sizeof(int) == 4',
  'sizeof(pid_t) == 4',
  'sizeof(long) == 8',
  'sizeof(void *) == 8',
  'offsetof(struct pollfd, fd) == 0',
  'offsetof(struct pollfd, events) == 4',
  'offsetof(struct pollfd, revents) == 6',
  'offsetof(struct rlimit, rlim_cur) == 0',
  'sizeof(((struct rlimit *)0)->rlim_cur) == 8',
  'sizeof(((siginfo_t *)0)->si_code) == 4',
  'sizeof(((siginfo_t *)0)->si_pid) == 4',
  'sizeof(((struct rusage *)0)->ru_maxrss) == 8',
  'offsetof(struct timeval, tv_sec) == 0',
  'offsetof(struct timeval, tv_usec) == 8',
  'offsetof(struct timespec, tv_sec) == 0',
  'offsetof(struct timespec, tv_nsec) == 8',
  'offsetof(struct unix_diag_req, sdiag_family) == 0',
  'offsetof(struct nlmsghdr, nlmsg_len) == 0',
  // Packed on x64 only.
  'sizeof(struct epoll_event) <= 16',
  'offsetof(struct epoll_event, events) == 0',
];

interface Tables {
  readonly constants: Table<keyof typeof constants>;
  readonly layouts: Table<keyof typeof layouts>;
  readonly realTimeMaximum: number;
}

/** Definitions of the kernel's include/uapi/linux/pidfd.h, which old headers lack. */
const newerConstants = `#ifndef PIDFD_SIGNAL_PROCESS_GROUP
#define PIDFD_SIGNAL_PROCESS_GROUP (1UL << 2)
#endif
#ifndef PIDFD_INFO_EXIT
#define PIDFD_INFO_EXIT (1UL << 3)
#endif
/* Its first version. A later one is longer, and so is then the number of the call. */
struct first_pidfd_info {
  uint64_t mask, cgroupid;
  uint32_t pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
  int32_t exit_code;
};
#undef PIDFD_GET_INFO
#define PIDFD_GET_INFO _IOWR(0xFF, 11, struct first_pidfd_info)
`;

/** Of the kernel's include/uapi/linux, which a compiler for musl may not find. */
const netlink = `#if __has_include(<linux/unix_diag.h>)
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#else
enum { NETLINK_SOCK_DIAG = 4, NLM_F_REQUEST = 1, NLMSG_ERROR = 2, SOCK_DIAG_BY_FAMILY = 20 };
enum { UDIAG_SHOW_PEER = 4, UNIX_DIAG_PEER = 2 };
struct nlmsghdr {
  uint32_t nlmsg_len;
  uint16_t nlmsg_type, nlmsg_flags;
  uint32_t nlmsg_seq, nlmsg_pid;
};
struct unix_diag_req {
  uint8_t sdiag_family, sdiag_protocol;
  uint16_t pad;
  uint32_t udiag_states, udiag_ino, udiag_show, udiag_cookie[2];
};
struct unix_diag_msg {
  uint8_t udiag_family, udiag_type, udiag_state, pad;
  uint32_t udiag_ino, udiag_cookie[2];
};
#endif
`;

const includes = headers.map((header) => `#include <${header}>\n`).join('') + newerConstants + netlink;
const assertion = (condition: string, name: string) => `_Static_assert(${condition}, "${name} is wrong");\n`;

/** A C program that compiles if the tables are right. */
function assertionsProgram(tables: Tables): string {
  return [
    includes,
    ...Object.entries(tables.constants).map(([name, value]) => assertion(`${name} == ${value}`, name)),
    ...Object.entries(tables.layouts).map(([name, value]) =>
      assertion(layoutConditions[name as keyof typeof layouts].replace('N', String(value)), name),
    ),
    // The kernel's signals, and one more for 0.
    assertion(`_NSIG - 1 == ${tables.realTimeMaximum}`, 'realTimeMaximum'),
    ...fixedConditions.map((condition) => assertion(condition, condition)),
  ].join('');
}

/** Prints the values that are no constant expressions in C. */
const runtimeProgram = `${includes}
int main(void) {
  sigset_t set;
  unsigned long word;
  sigemptyset(&set);
  sigaddset(&set, SIGHUP);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGRTMAX);
  memcpy(&word, &set, sizeof word);
#ifdef __GLIBC__
  const char *library = "glibc";
#else
  const char *library = "musl";
#endif
  printf("%s %d %d %lx", library, SIGRTMIN, SIGRTMAX, word);
}
`;

interface Compiler {
  readonly compiler: string;
  /** What to say if it is missing. */
  readonly lack: string;
  /** What runs its programs, if this machine's processor does not. */
  readonly emulator?: string;
}

const [own, other] = process.arch === 'arm64' ? ['aarch64', 'x86_64'] : ['x86_64', 'aarch64'];
const others = {
  aarch64: 'aarch64-linux-gnu libc6-dev-arm64-cross',
  x86_64: 'x86-64-linux-gnu libc6-dev-amd64-cross',
};
const gnu = 'a C compiler: apt-get install gcc libc6-dev';
const musl = 'a C compiler for musl: apt-get install musl-tools';
const cross = `a C compiler for ${other}: apt-get install gcc-${others[other as keyof typeof others]}`;

const crossForMusl: Compiler = { compiler: `${other}-linux-musl-gcc`, lack: '', emulator: `qemu-${other}` };
const compilers: readonly Compiler[] = [
  { compiler: 'cc', lack: gnu },
  { compiler: 'musl-gcc', lack: musl },
  { compiler: `${own}-linux-gnu-gcc`, lack: gnu },
  { compiler: `${own}-linux-musl-gcc`, lack: musl },
  { compiler: `${other}-linux-gnu-gcc`, lack: cross, emulator: `qemu-${other}` },
  // Debian has none.
  ...(compiles(crossForMusl) ? [crossForMusl] : []),
];

function compile(compiler: string, program: string, args: readonly string[]) {
  return spawnSync(compiler, ['-D_GNU_SOURCE', ...args, '-xc', '-'], { input: program, encoding: 'utf8' });
}

/** Links statically: where a C library is not the system's, its dynamic linker may be missing. */
function build({ compiler, emulator }: Compiler, name: string, program: string) {
  const file = resolve(buildFolder, `${name}-${compiler}`);
  const isForeign = emulator !== undefined || compiler.includes('musl');
  const { status, stderr } = compile(compiler, program, [...(isForeign ? ['-static'] : []), '-o', file]);
  return { line: emulator === undefined ? [file] : [emulator, file], status, stderr };
}

function compiles({ compiler }: Compiler): boolean {
  return compile(compiler, 'int main(void) { return 0; }', ['-fsyntax-only']).status === 0;
}

function run([file = '', ...args]: readonly string[]): string {
  return spawnSync(file, args, { encoding: 'utf8' }).stdout;
}

const tables: Tables = { constants, layouts, realTimeMaximum };

describe.each(compilers)('$compiler', needs('linux'), (candidate) => {
  const { compiler, emulator } = candidate;
  const lack = compiles(candidate) ? undefined : candidate.lack;
  const lackOfEmulator = emulator === undefined ? undefined : command(emulator, 'qemu-user');

  test('has the constants and layouts of the tables', lacking(lack), () => {
    expect(compile(compiler, assertionsProgram(tables), ['-fsyntax-only'])).toMatchObject({
      status: 0,
      stderr: '',
    });
  });

  test('would refuse any number that is wrong', lacking(lack), () => {
    const oneMore = (table: Readonly<Record<string, number>>) =>
      Object.fromEntries(Object.entries(table).map(([name, value]) => [name, value + 1]));
    const wrong = {
      constants: oneMore(constants),
      // More space than needed is fine; less is not.
      layouts: { ...oneMore(layouts), sizeofSpawnAttributes: 8, sizeofSpawnFileActions: 8, sizeofRusage: 8 },
      realTimeMaximum: realTimeMaximum + 1,
    } as unknown as Tables;
    const { status, stderr } = compile(compiler, assertionsProgram(wrong), ['-fsyntax-only']);
    expect(status).not.toBe(0);
    const refused = new Set(
      [...stderr.matchAll(/static assertion failed.*?(\w+) is wrong/g)].map(([, n]) => n),
    );
    expect(refused).toEqual(new Set([...Object.keys(constants), ...Object.keys(layouts), 'realTimeMaximum']));
  });

  test('has the real-time signals of the table, and its sigset_t', lacking(lack, lackOfEmulator), () => {
    const { line, status, stderr } = build(candidate, 'real-time', runtimeProgram);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const [library, first, last, word] = run(line).split(' ');
    expect(Object.keys(realTimeMinimum)).toContain(library);
    expect(Number(first)).toBe(realTimeMinimum[library as keyof typeof realTimeMinimum]);
    expect(Number(last)).toBe(realTimeMaximum);
    const signals = [1, 15, realTimeMaximum] as Signal[];
    expect(BigInt(`0x${word}`)).toBe(sigset(signalSet(signals)).readBigUInt64LE());
  });
});

test('the running node’s C library has the same real-time signals', needs('linux'), () => {
  const first = bind<[], number>('int __libc_current_sigrtmin(void)');
  const last = bind<[], number>('int __libc_current_sigrtmax(void)');
  expect(realTimeRange()).toEqual({ first: first(), last: last() });
});

test('every constant and every layout is asserted', () => {
  const program = assertionsProgram(tables);
  for (const name of [...Object.keys(constants), ...Object.keys(layouts), 'realTimeMaximum']) {
    expect(program.match(new RegExp(`^_Static_assert\\(.*"${name} is wrong"\\);$`, 'gm')), name).toHaveLength(
      1,
    );
  }
  for (const [name, value] of Object.entries(constants)) {
    expect(program).toContain(`_Static_assert(${name} == ${value}, `);
  }
  expect(Object.keys(layoutConditions).sort()).toEqual(Object.keys(layouts).sort());
});
