/* stamp OUT: the workload of the start measurement. Its first instruction reads the clock. */
#include "common.h"

int main(int argc, char **argv) {
  int64_t time = now();
  int fd = argc > 1 ? open(argv[1], O_WRONLY) : -1;
  return dprintf(fd, "%lld\n", (long long)time) < 0;
}
