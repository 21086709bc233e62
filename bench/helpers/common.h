/* Shared by the helpers: a clock that is the same in all processes, and results that appear complete. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* Nanoseconds of CLOCK_MONOTONIC: node's process.hrtime() reads the same clock. */
static inline int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static inline void sleep_ns(int64_t ns) {
  struct timespec time = {ns / 1000000000LL, ns % 1000000000LL};
  nanosleep(&time, NULL);
}

/* Memory that forked processes share. */
static inline void *share(size_t size) {
  void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) exit(2);
  return memory;
}

/* The result gets its name when it is complete, so that a reader who waits for the name reads all of it. */
static inline FILE *begin_result(const char *path) {
  char name[4096];
  snprintf(name, sizeof name, "%s.part", path);
  FILE *file = fopen(name, "w");
  if (!file) exit(2);
  return file;
}

static inline void end_result(FILE *file, const char *path) {
  char name[4096];
  snprintf(name, sizeof name, "%s.part", path);
  if (fclose(file) != 0 || rename(name, path) != 0) exit(2);
}
