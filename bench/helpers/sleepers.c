/* sleepers OUT COUNT stay|leave|defy|signal: a tree of COUNT sleeping processes, in branches of a hundred. Each branch has
   its own session.
   stay:   writes the clock in ms once all run, and sleeps.
   leave:  writes the clock in ms and ends, which leaves them to init.
   defy:   the same, but they ignore SIGTERM.
   signal: has init forward SIGUSR2, and writes the milliseconds until all had it, then those that a loop of kill()
           takes: no init can be faster. */
#include "common.h"
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#define PER_BRANCH 100
#define PATIENCE_NS 20000000000LL

struct shared {
  atomic_int ready, signalled;
  pid_t pids[];
};

static struct shared *shared;

static void count_signal(int signal) {
  (void)signal;
  atomic_fetch_add(&shared->signalled, 1);
}

static void sleep_forever(int index) {
  shared->pids[index] = getpid();
  atomic_fetch_add(&shared->ready, 1);
  for (;;) pause();
}

static void start_sleepers(int count) {
  for (int first = 0; first < count; first += PER_BRANCH) {
    int end = first + PER_BRANCH < count ? first + PER_BRANCH : count;
    pid_t branch = fork();
    if (branch == -1) exit(2);
    if (branch != 0) continue;
    setsid();
    for (int index = first + 1; index < end; index++) {
      pid_t pid = fork();
      if (pid == -1) _exit(2);
      if (pid == 0) sleep_forever(index);
    }
    sleep_forever(first);
  }
  int64_t deadline = now() + PATIENCE_NS;
  while (atomic_load(&shared->ready) < count) {
    if (now() > deadline) exit(2);
    sleep_ns(1000000);
  }
}

/* When init forwards the signal, the workload gets it too, and counts. */
static double wait_for(int count, int64_t start) {
  while (atomic_load(&shared->signalled) < count) {
    if (now() - start > PATIENCE_NS) return -1;
    sleep_ns(200000);
  }
  return (now() - start) / 1e6;
}

static void measure_signals(int count, FILE *result) {
  sleep_ns(100000000);
  int64_t start = now();
  kill(getppid(), SIGUSR2);
  double by_init = wait_for(count + 1, start);
  /* By then all sleep again. */
  sleep_ns(100000000);
  atomic_store(&shared->signalled, 0);
  start = now();
  for (int i = 0; i < count; i++) kill(shared->pids[i], SIGUSR2);
  fprintf(result, "%.3f %.3f\n", by_init, wait_for(count, start));
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  const char *path = argv[1], *mode = argv[3];
  int count = atoi(argv[2]);
  shared = share(sizeof(struct shared) + count * sizeof(pid_t));
  struct sigaction action = {.sa_handler = count_signal, .sa_flags = SA_RESTART};
  sigaction(SIGUSR2, &action, NULL);
  if (strcmp(mode, "defy") == 0) signal(SIGTERM, SIG_IGN);
  start_sleepers(count);
  FILE *result = begin_result(path);
  if (strcmp(mode, "signal") == 0) measure_signals(count, result);
  else fprintf(result, "%.6f\n", now() / 1e6);
  end_result(result, path);
  if (strcmp(mode, "stay") == 0)
    for (;;) pause();
  return 0;
}
