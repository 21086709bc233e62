/*
 * refuse: runs a command for which some system calls fail, as under a container's seccomp profile.
 *
 *   refuse SYSCALL[,SYSCALL...] ERRNO command [arguments]
 *   refuse getrlimit,prlimit64 EPERM node app.js
 *
 * The name of a request refuses that one ioctl(2). Without PIDFD_GET_INFO the kernel looks to init like one before 6.15.
 *
 * seccomp(2) refuses these calls to the command and its descendants; all others work. It ends with 99 if it cannot
 * install the filter.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
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
  unsigned number;
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
    {"pidfd_open", SYS_pidfd_open},
    {"pidfd_send_signal", SYS_pidfd_send_signal},
    {"prctl", SYS_prctl},
    {"prlimit64", SYS_prlimit64},
    {"setns", SYS_setns},
    {"setpgid", SYS_setpgid},
    {"setrlimit", SYS_setrlimit},
    {"socket", SYS_socket},
    {"unshare", SYS_unshare},
    {"wait4", SYS_wait4},
    {"waitid", SYS_waitid},
    {NULL, 0},
};

static const struct named requests[] = {
    {"PIDFD_GET_INFO", 0xc040ff0b},
    {"TIOCGPGRP", TIOCGPGRP},
    {"TIOCSPGRP", TIOCSPGRP},
    {NULL, 0},
};

static const struct named errors[] = {
    {"EACCES", EACCES}, {"EAGAIN", EAGAIN}, {"EINVAL", EINVAL}, {"EMFILE", EMFILE}, {"ENOMEM", ENOMEM},
    {"ENOSYS", ENOSYS}, {"ENOTTY", ENOTTY}, {"EPERM", EPERM},   {NULL, 0},
};

static const struct named *find(const char *name, const struct named *table) {
  for (; table->name != NULL; table++) {
    if (strcmp(table->name, name) == 0) return table;
  }
  return NULL;
}

static unsigned number_of(const char *name, const struct named *table) {
  const struct named *found = find(name, table);
  if (found != NULL) return found->number;
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
  struct sock_filter instructions[8 + 6 * (sizeof calls / sizeof *calls)];
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
    const struct named *request = find(name, requests);
    unsigned call = request == NULL ? number_of(name, calls) : SYS_ioctl;
    append(&program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, request == NULL ? 1 : 4));
    if (request != NULL) {
      size_t argument = offsetof(struct seccomp_data, args[1]);
      append(&program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, argument));
      append(&program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, request->number, 0, 1));
    }
    append(&program, fail);
    if (request != NULL) append(&program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
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
