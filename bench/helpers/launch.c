/* launch OUT LIMIT_MS COMMAND...: writes when COMMAND was executed and when it ended, in ms of the clock, and its
   user and system time in ms, with that of the children it waited for; nan if it did not end within the limit.
   It is in C because forking node would take longer, and not always the same time. */
#include "common.h"
#include <poll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static double ms_of(struct timeval time) { return time.tv_sec * 1e3 + time.tv_usec / 1e3; }

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  int64_t *start = share(sizeof *start);
  pid_t pid = fork();
  if (pid == 0) {
    int null = open("/dev/null", O_RDWR);
    dup2(null, 0);
    dup2(null, 1);
    close(null);
    *start = now();
    execvp(argv[3], argv + 3);
    _exit(127);
  }
  struct pollfd polled = {syscall(SYS_pidfd_open, pid, 0), POLLIN, 0};
  double end_ms = 0.0 / 0.0, cpu_ms = 0.0 / 0.0;
  if (poll(&polled, 1, atoi(argv[2])) == 1) {
    end_ms = now() / 1e6;
    struct rusage usage;
    if (wait4(pid, NULL, 0, &usage) == pid) cpu_ms = ms_of(usage.ru_utime) + ms_of(usage.ru_stime);
  }
  FILE *result = begin_result(argv[1]);
  fprintf(result, "%.6f %.6f %.3f\n", *start / 1e6, end_ms, cpu_ms);
  end_result(result, argv[1]);
  return 0;
}
