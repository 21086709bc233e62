/* burst N: leaves N zombies to the reaper at one instant, prints how many milliseconds it took to reap them all. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct shared {
  struct timespec released;
  pid_t pids[];
};

static struct timespec now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time;
}

int main(int argc, char **argv) {
  int count = argc > 1 ? atoi(argv[1]) : 1000;
  size_t size = sizeof(struct shared) + count * sizeof(pid_t);
  struct shared *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pid_t parent = fork();
  if (parent == 0) {
    for (int i = 0; i < count; i++) {
      pid_t pid = fork();
      siginfo_t info;
      if (pid == 0) _exit(0);
      shared->pids[i] = pid;
      if (pid == -1 || waitid(P_PID, pid, &info, WEXITED | WNOWAIT) == -1) _exit(1);
    }
    shared->released = now();
    _exit(0);
  }
  int status;
  waitpid(parent, &status, 0);
  if (status != 0) return 1;
  /* A zombie can still be signalled; once it is reaped its pid names nothing. */
  for (int i = 0; i < count; i++)
    while (kill(shared->pids[i], 0) == 0)
      ;
  struct timespec end = now();
  printf("%.2f\n", (end.tv_sec - shared->released.tv_sec) * 1e3 + (end.tv_nsec - shared->released.tv_nsec) / 1e6);
  return 0;
}
