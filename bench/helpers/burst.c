/* burst OUT N: hands N zombies to init at one instant; writes the milliseconds until the last was reaped, and how many
   are left when none was for a while.

   The zombies are made beforehand, as children of a process that does not wait for them; its end makes them init's, all
   in one step of the kernel. If they were alive until then, their own ends would be measured: those take longer than
   the reaping. What is measured still has the end of that process in it, the same for every init. */
#include "common.h"
#include <signal.h>
#include <sys/wait.h>

#define PATIENCE_NS 2000000000LL

struct shared {
  int64_t released;
  pid_t pids[];
};

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  int count = atoi(argv[2]);
  struct shared *shared = share(sizeof(struct shared) + count * sizeof(pid_t));
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
  if (waitpid(parent, &status, 0) == -1 || status != 0) {
    fprintf(stderr, "burst: %d processes cannot be made\n", count);
    return 1;
  }
  /* A zombie can still be signalled; once it is reaped its pid names nothing. */
  int left = 0;
  int64_t progress = now();
  for (int i = 0; i < count && left == 0; i++) {
    while (kill(shared->pids[i], 0) == 0 && left == 0)
      if (now() - progress > PATIENCE_NS)
        for (int j = i; j < count; j++) left += kill(shared->pids[j], 0) == 0;
    if (left == 0) progress = now();
  }
  FILE *result = begin_result(argv[1]);
  fprintf(result, "%.4f %d\n", (progress - shared->released) / 1e6, left);
  end_result(result, argv[1]);
  return 0;
}
