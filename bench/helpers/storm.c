/* storm OUT RATE SECONDS [go]: makes RATE orphans a second, each of which ends after 0 to 20 ms, and counts the zombies
   of PID 1 every 20 ms. The first line of OUT has: the number of orphans, the microseconds of processor time of PID 1 for
   each, the most zombies, their mean, and those left 100 ms after the last orphan was made. Then a line "ms zombies" for
   each count. With go it makes OUT.waits and starts once OUT.go is there: meanwhile the bench prepares init. Then it
   stays when it is done. */
#include "common.h"
#include <dirent.h>
#include <string.h>
#include <sys/wait.h>

#define STEP_NS 5000000LL
#define SAMPLE_NS 20000000LL
#define LONGEST_LIFE_US 20000

struct sample {
  int64_t time;
  int zombies;
};

static int count_zombies(void) {
  DIR *proc = opendir("/proc");
  if (!proc) exit(2);
  int zombies = 0;
  for (struct dirent *entry; (entry = readdir(proc));) {
    char path[300], stat[512] = "", state;
    int parent;
    if (entry->d_name[0] < '0' || entry->d_name[0] > '9') continue;
    snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
    int fd = open(path, O_RDONLY);
    if (fd == -1) continue;
    if (read(fd, stat, sizeof stat - 1) == -1) stat[0] = 0;
    close(fd);
    char *name_end = strrchr(stat, ')');
    if (name_end && sscanf(name_end, ") %c %d", &state, &parent) == 2) zombies += state == 'Z' && parent == 1;
  }
  closedir(proc);
  return zombies;
}

/* The processor time of all threads of PID 1. */
static double init_cpu_ms(void) {
  clockid_t clock;
  struct timespec time;
  if (clock_getcpuclockid(1, &clock) != 0 || clock_gettime(clock, &time) == -1) exit(2);
  return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

/* A process in between forks all orphans of a step. Its end makes them orphans. */
static void make_orphans(int count, unsigned *seed) {
  unsigned drawn = rand_r(seed);
  pid_t between = fork();
  if (between == 0) {
    for (int i = 0; i < count; i++) {
      int64_t life_us = rand_r(&drawn) % LONGEST_LIFE_US;
      if (fork() == 0) {
        sleep_ns(life_us * 1000);
        _exit(0);
      }
    }
    _exit(0);
  }
  waitpid(between, NULL, 0);
}

static void wait_for_go(const char *out) {
  char path[4096];
  snprintf(path, sizeof path, "%s.waits", out);
  close(open(path, O_CREAT | O_WRONLY, 0600));
  snprintf(path, sizeof path, "%s.go", out);
  while (access(path, F_OK) != 0) sleep_ns(STEP_NS);
}

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  int rate = atoi(argv[2]);
  if (argc == 5) wait_for_go(argv[1]);
  int64_t start = now(), length = atof(argv[3]) * 1e9;
  int most = length / SAMPLE_NS + 100, *samples = share(sizeof(int));
  int *is_over = share(sizeof(int));
  struct sample *sampled = share(most * sizeof(struct sample));
  double cpu_ms = init_cpu_ms();
  pid_t sampler = fork();
  if (sampler == 0) {
    for (int64_t next = start; *samples < most && !*is_over; next += SAMPLE_NS) {
      if (next > now()) sleep_ns(next - now());
      sampled[*samples].zombies = count_zombies();
      sampled[*samples].time = now() - start;
      ++*samples;
    }
    _exit(0);
  }
  unsigned seed = 1;
  long made = 0, orphans = 0;
  for (int64_t next = start; now() - start < length; next += STEP_NS) {
    if (next > now()) sleep_ns(next - now());
    long due = (long)((double)(now() - start) / 1e9 * rate);
    /* A slow machine skips orphans, instead of making them late and all at once. */
    if (due - made > rate / 20) made = due - rate / 20;
    if (due > made) make_orphans(due - made, &seed);
    orphans += due - made;
    made = due;
  }
  sleep_ns(5 * LONGEST_LIFE_US * 1000LL);
  *is_over = 1;
  waitpid(sampler, NULL, 0);
  int largest = 0;
  double sum = 0;
  for (int i = 0; i < *samples; i++) {
    if (sampled[i].zombies > largest) largest = sampled[i].zombies;
    sum += sampled[i].zombies;
  }
  FILE *result = begin_result(argv[1]);
  double cpu_us = (init_cpu_ms() - cpu_ms) * 1e3;
  fprintf(result, "%ld %.3f %d %.3f %d\n", orphans, cpu_us / orphans, largest, sum / *samples, count_zombies());
  for (int i = 0; i < *samples; i++) fprintf(result, "%.1f %d\n", sampled[i].time / 1e6, sampled[i].zombies);
  end_result(result, argv[1]);
  /* Its end would wake init, whose system calls are counted. */
  while (argc == 5) pause();
  return 0;
}
