/*
 * refuse: runs a command for which some system calls fail, as under a container's seccomp profile.
 *
 *   refuse SYSCALL[,SYSCALL...] ERRNO command [arguments]
 *   refuse getrlimit,prlimit64 EPERM node app.js
 *
 * PIDFD_GET_INFO refuses that one ioctl(2): to init the kernel then looks like one before 6.15.
 *
 * seccomp(2) refuses these calls to the command and its descendants; all others work. It ends with 99 if it cannot
 * install the filter.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define OWN_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OWN_ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "refuse knows x64 and arm64"
#endif

struct named {
  const char *name;
  int number;
};

static const struct named calls[] = {
    {"clone3", SYS_clone3},
    {"faccessat2", SYS_faccessat2},
    {"getdents64", SYS_getdents64},
    {"getrlimit", SYS_getrlimit},
    {"io_uring_setup", SYS_io_uring_setup},
    {"ioctl", SYS_ioctl},
    {"kill", SYS_kill},
    {"mount", SYS_mount},
    {"openat", SYS_openat},
    {"PIDFD_GET_INFO", SYS_ioctl},
    {"pidfd_open", SYS_pidfd_open},
    {"pidfd_send_signal", SYS_pidfd_send_signal},
    {"prctl", SYS_prctl},
    {"prlimit64", SYS_prlimit64},
    {"setns", SYS_setns},
    {"setrlimit", SYS_setrlimit},
    {"socket", SYS_socket},
    {"unshare", SYS_unshare},
    {"wait4", SYS_wait4},
    {"waitid", SYS_waitid},
    {NULL, 0},
};

static const struct named errors[] = {
    {"EACCES", EACCES}, {"EAGAIN", EAGAIN}, {"EINVAL", EINVAL}, {"EMFILE", EMFILE}, {"ENOMEM", ENOMEM},
    {"ENOSYS", ENOSYS}, {"ENOTTY", ENOTTY}, {"EPERM", EPERM},   {NULL, 0},
};

#define PIDFD_GET_INFO 0xc040ff0b

static int number_of(const char *name, const struct named *table) {
  for (; table->name != NULL; table++) {
    if (strcmp(table->name, name) == 0) return table->number;
  }
  fprintf(stderr, "refuse: no name that it knows: %s\n", name);
  exit(99);
}

static void append(struct sock_fprog *program, struct sock_filter instruction) {
  program->filter[program->len++] = instruction;
}

int main(int argc, char **argv) {
  if (argc < 4) {
    fputs("usage: refuse SYSCALL[,SYSCALL...] ERRNO command [arguments]\n", stderr);
    return 99;
  }
  struct sock_filter instructions[8 + 2 * sizeof calls / sizeof *calls];
  struct sock_fprog program = {0, instructions};
  const struct sock_filter fail =
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | number_of(argv[2], errors));

  // System call numbers differ between architectures.
  append(&program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)));
  append(&program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OWN_ARCHITECTURE, 1, 0));
  append(&program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
  append(&program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
  size_t left = sizeof calls / sizeof *calls - 1;
  for (char *name = strtok(argv[1], ","); name != NULL; name = strtok(NULL, ",")) {
    if (left-- == 0) {
      fputs("refuse: more system calls than it knows\n", stderr);
      return 99;
    }
    bool by_argument = strcmp(name, "PIDFD_GET_INFO") == 0;
    append(&program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number_of(name, calls), 0, by_argument ? 4 : 1));
    if (by_argument) {
      size_t request = offsetof(struct seccomp_data, args[1]);
      append(&program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, request));
      append(&program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PIDFD_GET_INFO, 0, 1));
    }
    append(&program, fail);
    if (by_argument) append(&program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
  }
  append(&program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));

  // Only root may install a filter without no_new_privs. With it, set-user-ID programs do not work.
  if ((geteuid() != 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1) ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == -1) {
    perror("refuse: seccomp");
    return 99;
  }
  execvp(argv[3], argv + 3);
  perror("refuse: exec");
  return 99;
}
