/*
 * inject: runs init and makes one of its system calls fail, as PID 1 of a PID namespace of its own.
 *
 *   inject pid1|subreaper PHASE CALL ERRNO WHEN SECONDS command [arguments]
 *   inject pid1 init wait4 EPERM 2 120 bin/subreaper -- true
 *
 * WHEN is N for the Nth call of the phase, or N+ for that one and all behind it. ERRNO is a number. The phases:
 *
 *   launcher  from the first call of the launcher's shell
 *   node      from the execve(2) that makes node of it
 *   init      from the moment when node opens dist/cli.cjs
 *   spawn     the calls of the workload's process before its execve(2), and that one
 *
 * A failed call has done nothing, except close(2): it closes the descriptor whatever it returns, unless a seccomp filter
 * refuses it (EPERM, ENOSYS).
 *
 * Only the main thread of init is touched, by ptrace(2): strace(1) would do the same, but cannot run PID 1, follow a
 * vfork(2) for its short life, or tell the phases apart. The workload sees nothing of it, and runs untraced.
 *
 * CALL "count" touches nothing, and counts. Either way one line of JSON on descriptor 3 says what happened:
 *
 *   {"injected": 1, "code": 7, "signal": 0, "hung": false, "waitsIn": "", "left": false,
 *    "counts": {"init": {"wait4": 3}}}
 *
 * injected: how many calls failed. hung: init had not ended in time, and was killed. waitsIn: its call at that time.
 * left: whether it left a process behind; as PID 1 it cannot.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LAUNCHER, NODE, INIT, SPAWN, PHASES };
static const char *const phase_names[PHASES] = {"launcher", "node", "init", "spawn"};

struct named {
  const char *name;
  int number;
};

#define CALL(name) {#name, SYS_##name}
static const struct named calls[] = {
#ifdef __x86_64__
    CALL(access), CALL(arch_prctl), CALL(dup2), CALL(epoll_wait), CALL(getpgrp), CALL(getrlimit), CALL(open),
    CALL(pipe), CALL(poll), CALL(readlink), CALL(setrlimit), CALL(stat), CALL(vfork),
#endif
    CALL(brk), CALL(capget), CALL(chdir), CALL(clock_gettime), CALL(clone), CALL(clone3), CALL(close), CALL(dup3),
    CALL(epoll_create1), CALL(epoll_ctl), CALL(epoll_pwait), CALL(eventfd2), CALL(execve), CALL(faccessat),
    CALL(faccessat2), CALL(fcntl), CALL(fstat), CALL(futex), CALL(getcwd), CALL(getdents64), CALL(getpgid), CALL(getpid),
    CALL(getppid), CALL(getrandom), CALL(gettid), CALL(getuid), CALL(ioctl), CALL(io_uring_setup), CALL(kill), CALL(lseek),
    CALL(madvise), CALL(mmap), CALL(mprotect), CALL(munmap), CALL(newfstatat), CALL(openat), CALL(pidfd_open),
    CALL(pidfd_send_signal), CALL(pipe2), CALL(ppoll), CALL(prctl), CALL(pread64), CALL(prlimit64), CALL(read),
    CALL(readlinkat), CALL(rseq), CALL(rt_sigaction), CALL(rt_sigprocmask), CALL(sched_getaffinity), CALL(sendto),
    CALL(set_robust_list), CALL(set_tid_address), CALL(setpgid), CALL(statx), CALL(sysinfo), CALL(tgkill), CALL(tkill),
    CALL(uname), CALL(wait4), CALL(waitid), CALL(write), CALL(writev),
};
enum { CALLS = sizeof calls / sizeof *calls };

static int phase = LAUNCHER;
static int counts[PHASES][CALLS];
static volatile sig_atomic_t is_late;

static void fail(const char *what) {
  fprintf(stderr, "inject: %s: %s\n", what, strerror(errno));
  exit(99);
}

static void be_late(int signal_number) {
  (void)signal_number;
  is_late = 1;
}

static int index_of(uint64_t number) {
  for (int i = 0; i < CALLS; i++)
    if ((uint64_t)calls[i].number == number) return i;
  return -1;
}

/* Makes a call that is about to begin do nothing, or sets what one that has ended returns. */
#if defined(__x86_64__)
static void skip_call(pid_t pid) {
  ptrace(PTRACE_POKEUSER, pid, offsetof(struct user_regs_struct, orig_rax), -1L);
}

static void set_result(pid_t pid, long result) {
  ptrace(PTRACE_POKEUSER, pid, offsetof(struct user_regs_struct, rax), result);
}
#elif defined(__aarch64__)
static void skip_call(pid_t pid) {
  int none = -1;
  struct iovec vector = {&none, sizeof none};
  ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &vector);
}

static void set_result(pid_t pid, long result) {
  struct user_regs_struct registers;
  struct iovec vector = {&registers, sizeof registers};
  ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &vector);
  registers.regs[0] = result;
  ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &vector);
}
#else
#error "inject knows x64 and arm64"
#endif

static bool ends_with(const char *text, const char *end) {
  size_t length = strlen(text), end_length = strlen(end);
  return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

/* Whether openat(2) is about to open init's program. */
static bool opens_program(pid_t pid, uint64_t address) {
  char path[4096] = "";
  struct iovec here = {path, sizeof path - 1}, there = {(void *)address, sizeof path - 1};
  if (process_vm_readv(pid, &here, 1, &there, 1, 0) <= 0) return false;
  return ends_with(path, "/dist/cli.cjs");
}

static bool is_node(pid_t pid) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/%d/exe", pid);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length == -1) return false;
  path[length] = '\0';
  return ends_with(path, "/node");
}

static pid_t start(bool as_pid1, char **command) {
  if (as_pid1 && unshare(CLONE_NEWPID) == -1) fail("unshare");
  pid_t pid = fork();
  if (pid == -1) fail("fork");
  if (pid > 0) return pid;
  close(3);
  if (as_pid1 && (unshare(CLONE_NEWNS) == -1 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
                  mount("proc", "/proc", "proc", 0, NULL) == -1))
    fail("/proc");
  if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1) fail("ptrace");
  execvp(command[0], command);
  fail(command[0]);
  return -1;
}

/*
 * What outlives init has this process for its parent. Whether a process is left of which init has not killed: one that
 * waits, and has no SIGKILL pending. One that runs may just be ending, so it is looked at again.
 */
static bool is_any_left(void) {
  for (;;) {
    siginfo_t info = {0};
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | __WALL) == -1) return false;
    if (info.si_pid != 0) continue;
    if (is_late) return true;
    char path[64], line[256], state = 'R';
    unsigned long long own = 0, shared = 0;
    int child = 0;
    FILE *children = fopen("/proc/thread-self/children", "r");
    if (children == NULL || fscanf(children, "%d", &child) != 1) child = 0;
    if (children != NULL) fclose(children);
    if (child == 0) {
      usleep(1000);
      continue;
    }
    snprintf(path, sizeof path, "/proc/%d/status", child);
    FILE *status = fopen(path, "r");
    if (status == NULL) continue;
    while (fgets(line, sizeof line, status) != NULL) {
      sscanf(line, "State: %c", &state);
      sscanf(line, "SigPnd: %llx", &own);
      sscanf(line, "ShdPnd: %llx", &shared);
    }
    fclose(status);
    bool is_killed = ((own | shared) >> (SIGKILL - 1)) & 1;
    if (strchr("ST", state) != NULL && !is_killed) return true;
    usleep(1000);
  }
}

/*
 * Whether the kernel raises this fault against the process, and it is no longer the first time. A traced PID 1 survives
 * such a fault, and meets it again for ever, where one that nobody traces is killed.
 */
static bool is_lasting_fault(pid_t pid, int signal_number) {
  static int faults;
  siginfo_t info = {0};
  if (signal_number != SIGSEGV && signal_number != SIGILL && signal_number != SIGTRAP && signal_number != SIGBUS)
    return false;
  return ptrace(PTRACE_GETSIGINFO, pid, NULL, &info) == 0 && info.si_code > 0 && ++faults > 2;
}

/* The call that a process waits in, if it is one of those above: proc_pid_syscall(5). */
static const char *current_call(pid_t pid) {
  char path[64];
  int number = -1;
  snprintf(path, sizeof path, "/proc/%d/syscall", pid);
  FILE *file = fopen(path, "r");
  if (file == NULL) return "";
  if (fscanf(file, "%d", &number) != 1) number = -1;
  fclose(file);
  int call = index_of(number);
  return call == -1 ? "" : calls[call].name;
}

static void print_counts(FILE *report) {
  fputs("\"counts\": {", report);
  for (int i = 0; i < PHASES; i++) {
    fprintf(report, "%s\"%s\": {", i == 0 ? "" : ", ", phase_names[i]);
    bool is_first = true;
    for (int call = 0; call < CALLS; call++) {
      if (counts[i][call] == 0) continue;
      fprintf(report, "%s\"%s\": %d", is_first ? "" : ", ", calls[call].name, counts[i][call]);
      is_first = false;
    }
    fputs("}", report);
  }
  fputs("}", report);
}

int main(int argc, char **argv) {
  if (argc < 8) {
    fputs("usage: inject pid1|subreaper PHASE CALL ERRNO WHEN SECONDS command [arguments]\n", stderr);
    return 99;
  }
  bool as_pid1 = strcmp(argv[1], "pid1") == 0;
  int from = 0;
  while (from < PHASES && strcmp(argv[2], phase_names[from]) != 0) from++;
  int wanted = 0;
  while (wanted < CALLS && strcmp(argv[3], calls[wanted].name) != 0) wanted++;
  if (from == PHASES || (wanted == CALLS && strcmp(argv[3], "count") != 0)) {
    fputs("inject: no such phase, or no call that it knows\n", stderr);
    return 99;
  }
  int error = atoi(argv[4]), first = atoi(argv[5]);
  bool all_behind = ends_with(argv[5], "+");
  FILE *report = fdopen(3, "w");
  if (report == NULL) fail("descriptor 3");
  /* Not SA_RESTART: it has to end the wait. */
  struct sigaction late = {.sa_handler = be_late};
  sigaction(SIGALRM, &late, NULL);

  pid_t init = start(as_pid1, argv + 7);
  alarm(atoi(argv[6]));
  long options = PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC;
  int killed_by = 0, injected = 0, status = 0, fails_on_return[2] = {0, 0};
  bool has_options = false, has_ended = false;
  while (!has_ended && !is_late) {
    pid_t pid = waitpid(-1, &status, __WALL);
    if (pid == -1) continue;
    if (WIFEXITED(status) || WIFSIGNALED(status)) {
      has_ended = pid == init;
      continue;
    }
    int deliver = 0, is_child = pid != init;
    int event = status >> 16, signal_number = WSTOPSIG(status);
    if (!has_options) {
      /* The first stop: its execve(2) is done. */
      has_options = true;
      if (ptrace(PTRACE_SETOPTIONS, pid, NULL, options) == -1) fail("ptrace options");
    } else if (event == PTRACE_EVENT_EXEC) {
      if (is_child) {
        ptrace(PTRACE_DETACH, pid, NULL, NULL);
        continue;
      }
      if (phase == LAUNCHER && is_node(pid)) phase = NODE;
    } else if (signal_number == (SIGTRAP | 0x80)) {
      struct __ptrace_syscall_info info;
      if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) == -1) info.op = PTRACE_SYSCALL_INFO_NONE;
      if (info.op == PTRACE_SYSCALL_INFO_EXIT && fails_on_return[is_child]) {
        fails_on_return[is_child] = 0;
        set_result(pid, -error);
      }
      if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
        int now = is_child ? SPAWN : phase, call = index_of(info.entry.nr);
        if (call != -1) {
          int count = ++counts[now][call];
          bool counts_here = now == from && call == wanted;
          if (counts_here && (count == first || (all_behind && count > first))) {
            if (info.entry.nr != SYS_close || error == EPERM || error == ENOSYS) skip_call(pid);
            fails_on_return[is_child] = 1;
            injected++;
          }
        }
        if (phase == NODE && info.entry.nr == SYS_openat && opens_program(pid, info.entry.args[1])) {
          phase = INIT;
          /* Children that share init's memory: the workload until its execve(2). */
          ptrace(PTRACE_SETOPTIONS, pid, NULL, options | PTRACE_O_TRACEVFORK);
        }
      }
    } else if (event == 0 && !(is_child && signal_number == SIGSTOP)) {
      deliver = signal_number;
      if (as_pid1 && !is_child && is_lasting_fault(pid, signal_number)) {
        killed_by = signal_number;
        deliver = SIGKILL;
      }
    }
    ptrace(PTRACE_SYSCALL, pid, NULL, deliver);
  }
  const char *waits_in = has_ended ? "" : current_call(init);
  bool left = has_ended && is_any_left();
  fprintf(report, "{\"injected\": %d, \"code\": %d, \"signal\": %d, \"hung\": %s, \"waitsIn\": \"%s\", \"left\": %s, ", injected,
          has_ended && WIFEXITED(status) ? WEXITSTATUS(status) : -1,
          has_ended && WIFSIGNALED(status) ? (killed_by ? killed_by : WTERMSIG(status)) : 0, has_ended ? "false" : "true",
          waits_in, left ? "true" : "false");
  print_counts(report);
  fputs("}\n", report);
  fclose(report);
  return 0;
}
