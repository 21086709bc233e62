/* soak-child ORPHANS LIFE_MS ENDING: leaves ORPHANS orphans that live 0 to 50 ms each, lives LIFE_MS more itself, and
   ends as told: exit code ENDING, or signal -ENDING. Exit code 255 says that it could not make every orphan. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LONGEST_LIFE_US 50000

static void live(long us) {
  struct timespec time = {us / 1000000, us % 1000000 * 1000};
  nanosleep(&time, NULL);
}

static void orphan(long us) {
  /* A pipe that it kept open would hold up execFileSync in the app until it ends. */
  for (int fd = 0; fd < 3; fd++) close(fd);
  live(us);
  /* Some are killed: whoever reaps them must not care. */
  if (us % 8 == 0) kill(getpid(), SIGKILL);
  _exit(us % 256);
}

int main(int argc, char **argv) {
  if (argc != 4) return 255;
  int orphans = atoi(argv[1]), life_ms = atoi(argv[2]), ending = atoi(argv[3]);
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  unsigned seed = now.tv_nsec ^ getpid();
  for (int i = 0; i < orphans; i++) {
    long us = rand_r(&seed) % LONGEST_LIFE_US;
    /* The process between them ends at once, which makes the other one an orphan. */
    pid_t between = fork();
    if (between == 0) {
      pid_t pid = fork();
      if (pid == 0) orphan(us);
      _exit(pid == -1);
    }
    int status;
    if (between == -1 || waitpid(between, &status, 0) == -1 || status != 0) return 255;
  }
  if (life_ms > 0) live(life_ms * 1000L);
  if (ending < 0) kill(getpid(), -ending);
  return ending;
}
