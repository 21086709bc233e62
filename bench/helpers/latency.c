/* latency OUT COUNT IDLE_MS: the workload answers SIGUSR2 from a handler. A child sends the signals to init one by one,
   and writes the microseconds until each was answered. The child has its own session, so that signals to the group do
   not reach it. If IDLE_MS is not 0, the first signal comes after this time, without a warm-up. */
#include "common.h"
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

/* init sleeps again before the next signal, and the jitter keeps it out of step. */
#define PAUSE_US 100
#define JITTER_US 200
#define PATIENCE_MS 1000

static int answers[2];

static void answer(int signal) {
  (void)signal;
  char byte = 0;
  if (write(answers[1], &byte, 1) == -1) _exit(1);
}

static void send_signals(pid_t init, int count, const char *path, int64_t idle_ms) {
  FILE *result = begin_result(path);
  unsigned seed = 1;
  struct pollfd polled = {answers[0], POLLIN, 0};
  int lost = 0;
  sleep_ns(idle_ms * 1000000);
  /* The first tenth of the signals warms up. */
  for (int i = idle_ms ? 0 : -count / 10; i < count && lost < 3; i++) {
    sleep_ns((PAUSE_US + rand_r(&seed) % JITTER_US) * 1000);
    int64_t start = now();
    char byte;
    kill(init, SIGUSR2);
    if (poll(&polled, 1, PATIENCE_MS) != 1) {
      lost++;
      continue;
    }
    if (read(answers[0], &byte, 1) == 1 && i >= 0) fprintf(result, "%.2f\n", (now() - start) / 1e3);
  }
  end_result(result, path);
}

int main(int argc, char **argv) {
  if (argc != 4 || pipe(answers) == -1) return 2;
  struct sigaction action = {.sa_handler = answer};
  sigaction(SIGUSR2, &action, NULL);
  pid_t init = getppid();
  pid_t sender = fork();
  if (sender == 0) {
    setsid();
    signal(SIGUSR2, SIG_DFL);
    send_signals(init, atoi(argv[2]), argv[1], atoll(argv[3]));
    _exit(0);
  }
  while (waitpid(sender, NULL, 0) == -1) continue;
  return 0;
}
