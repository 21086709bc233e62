/* The part of util-linux's unshare(1) that the tests use. Debian's is linked to glibc, and busybox's has no --kill-child. */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void must(const char *what, int result) {
  if (result < 0) err(1, "%s", what);
}

static void write_map(const char *file, unsigned outer) {
  int map = open(file, O_WRONLY);
  must(file, map);
  must(file, dprintf(map, "0 %u 1", outer));
  close(map);
}

int main(int argc, char **argv) {
  enum { MOUNT_PROC = 1 };
  static int map_root, forks, kill_child, mount_proc;
  static const struct option options[] = {
      {"mount", no_argument, NULL, CLONE_NEWNS},        {"pid", no_argument, NULL, CLONE_NEWPID},
      {"user", no_argument, NULL, CLONE_NEWUSER},       {"ipc", no_argument, NULL, CLONE_NEWIPC},
      {"uts", no_argument, NULL, CLONE_NEWUTS},         {"net", no_argument, NULL, CLONE_NEWNET},
      {"cgroup", no_argument, NULL, CLONE_NEWCGROUP},   {"mount-proc", no_argument, NULL, MOUNT_PROC},
      {"map-root-user", no_argument, &map_root, 1},     {"fork", no_argument, &forks, 1},
      {"kill-child", optional_argument, &kill_child, 1}, {0},
  };
  int namespaces = 0;
  for (int option; (option = getopt_long(argc, argv, "+", options, NULL)) != -1;) {
    if (option == '?') return 1;
    if (option == MOUNT_PROC) {
      mount_proc = 1;
      namespaces |= CLONE_NEWNS;
    } else {
      namespaces |= option;
    }
  }
  unsigned user = geteuid(), group = getegid();
  must("unshare", unshare(namespaces));
  if (map_root) {
    int setgroups = open("/proc/self/setgroups", O_WRONLY);
    must("/proc/self/setgroups", setgroups);
    must("/proc/self/setgroups", dprintf(setgroups, "deny"));
    close(setgroups);
    write_map("/proc/self/uid_map", user);
    write_map("/proc/self/gid_map", group);
  }
  if (namespaces & CLONE_NEWNS) must("/", mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));

  if (forks || kill_child) {
    sigset_t asked, before;
    sigemptyset(&asked);
    sigaddset(&asked, SIGINT);
    sigaddset(&asked, SIGTERM);
    /* They are for the child, as in util-linux. */
    sigprocmask(SIG_BLOCK, &asked, &before);
    int child = fork();
    must("fork", child);
    if (child > 0) {
      int status;
      must("waitpid", waitpid(child, &status, 0));
      if (WIFEXITED(status)) return WEXITSTATUS(status);
      sigprocmask(SIG_SETMASK, &before, NULL);
      kill(getpid(), WTERMSIG(status));
      return 1;
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (kill_child) must("prctl", prctl(PR_SET_PDEATHSIG, SIGKILL));
  }
  if (mount_proc) must("/proc", mount("proc", "/proc", "proc", MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL));
  if (optind == argc) errx(1, "no command");
  execvp(argv[optind], argv + optind);
  err(127, "%s", argv[optind]);
}
