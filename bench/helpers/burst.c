/* burst OUT N: hands N zombies to init at one instant. Writes the milliseconds until the last was reaped, and how many
   are left if none was reaped for a while.

   The zombies are children of a process that does not wait for them. When it ends, the kernel hands all of them to init
   in one step. If they were alive until then, their own ends would be measured too, which take longer than reaping. The
   end of their parent is included: it is the same for every init. */
#include "common.h"
#include <signal.h>
#include <sys/wait.h>

#define PATIENCE_NS 10000000000LL

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
  /* kill() finds a zombie until it is reaped. */
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
