/* storm RATE SECONDS OUT: RATE orphans a second, each of which ends after 0 to 20 ms. Every 20 ms it counts the zombies
   that are init's; writes a line "ms zombies" for each count, and "orphans cpu_ms" as the first: how many orphans, and
   the processor time that PID 1 took meanwhile. */
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

static int read_file(const char *path, char *text, size_t size) {
  int fd = open(path, O_RDONLY);
  ssize_t length = fd == -1 ? -1 : read(fd, text, size - 1);
  if (fd != -1) close(fd);
  if (length < 0) return -1;
  text[length] = 0;
  return 0;
}

static int count_zombies(void) {
  DIR *proc = opendir("/proc");
  struct dirent *entry;
  int zombies = 0;
  while (proc && (entry = readdir(proc))) {
    char path[300], stat[512], state;
    int parent;
    if (entry->d_name[0] < '0' || entry->d_name[0] > '9') continue;
    snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
    if (read_file(path, stat, sizeof stat) == -1) continue;
    char *name_end = strrchr(stat, ')');
    if (name_end && sscanf(name_end, ") %c %d", &state, &parent) == 2) zombies += state == 'Z' && parent == 1;
  }
  if (proc) closedir(proc);
  return zombies;
}

/* The time on a processor of every thread of PID 1, from /proc/1/task/TID/schedstat. */
static double init_cpu_ms(void) {
  DIR *tasks = opendir("/proc/1/task");
  struct dirent *entry;
  double ns = 0;
  while (tasks && (entry = readdir(tasks))) {
    char path[300], text[128];
    snprintf(path, sizeof path, "/proc/1/task/%s/schedstat", entry->d_name);
    if (entry->d_name[0] != '.' && read_file(path, text, sizeof text) == 0) ns += atof(text);
  }
  if (tasks) closedir(tasks);
  return ns / 1e6;
}

/* One process between makes all orphans of a step, and its end makes them orphans. */
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

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  int rate = atoi(argv[1]);
  int64_t start = now(), length = atof(argv[2]) * 1e9;
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
  long made = 0;
  for (int64_t next = start; now() - start < length; next += STEP_NS) {
    if (next > now()) sleep_ns(next - now());
    long due = (long)((double)(now() - start) / 1e9 * rate);
    /* What a slow machine could not make in its time it does not make later, all at once. */
    if (due - made > rate / 20) made = due - rate / 20;
    if (due > made) make_orphans(due - made, &seed);
    made = due;
  }
  sleep_ns(5 * LONGEST_LIFE_US * 1000LL);
  *is_over = 1;
  waitpid(sampler, NULL, 0);
  FILE *result = begin_result(argv[3]);
  fprintf(result, "%ld %.3f\n", made, init_cpu_ms() - cpu_ms);
  for (int i = 0; i < *samples; i++) fprintf(result, "%.1f %d\n", sampled[i].time / 1e6, sampled[i].zombies);
  end_result(result, argv[3]);
  return 0;
}
