/* launch FIFO WORKLOAD_MS EXIT_MS COMMAND...: starts COMMAND, and prints how many nanoseconds after its exec the stamp
   came that the workload writes to FIFO, and after how many COMMAND ended, -1 for what did not come in its time; and
   the clock at the exec. The fork of a small C program is cheap and always the same, that of node is neither. */
#include "common.h"
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

int main(int argc, char **argv) {
  if (argc < 5) return 2;
  int64_t workload_ns = atoll(argv[2]) * 1000000, exit_ns = atoll(argv[3]) * 1000000;
  int64_t *start = share(sizeof *start);
  if (mkfifo(argv[1], 0600) == -1) return 2;
  int fifo = open(argv[1], O_RDWR | O_NONBLOCK | O_CLOEXEC);
  pid_t pid = fork();
  if (pid == 0) {
    int null = open("/dev/null", O_RDWR);
    dup2(null, 0);
    dup2(null, 1);
    close(null);
    *start = now();
    execvp(argv[4], argv + 4);
    _exit(127);
  }
  int pidfd = syscall(SYS_pidfd_open, pid, 0);
  if (fifo == -1 || pid == -1 || pidfd == -1) return 2;
  int64_t stamp = -1, end = -1, deadline = now() + workload_ns;
  while (end == -1 && now() < deadline) {
    struct pollfd polled[] = {{pidfd, POLLIN, 0}, {fifo, POLLIN, 0}};
    if (poll(polled, 2, 1 + (deadline - now()) / 1000000) == -1) return 2;
    if (polled[0].revents) end = now();
    char text[64];
    ssize_t size = read(fifo, text, sizeof text - 1);
    if (size > 0) {
      text[size] = 0;
      stamp = atoll(text);
      deadline = now() + exit_ns;
    }
  }
  int status = 0;
  if (end != -1 && waitpid(pid, &status, 0) != -1 && status != 0)
    fprintf(stderr, "%s ended with %d\n", argv[4], WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  printf("%lld %lld %lld\n", stamp == -1 ? -1LL : (long long)(stamp - *start),
         end == -1 ? -1LL : (long long)(end - *start), (long long)*start);
  fflush(stdout);
  unlink(argv[1]);
  return status != 0;
}
