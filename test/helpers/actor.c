/*
 * actor: a workload that does what a test asks of the kernel, and reports on standard output, a line an event.
 *
 *   actor signals            blocks every signal, prints "ready PID", then the number of each signal it receives
 *   actor die SIGNAL         ends by that signal
 *   actor burst N            N zombies of a child that then dies: all arrive at its reaper at one instant
 *   actor orphans N          N orphans, one after another, each dead at once
 *   actor chain N            a chain of N processes, each the child of the one before, all but the first orphans
 *   actor daemon             daemon(3) by hand: fork, setsid, fork; prints "daemon PID" and stays
 *   actor hostile N          N processes that are hard to end: see hostile(); ends with 5 once it may
 *   actor join               joins its parent's process group, prints "joined", ends with 7 on SIGTERM
 *   actor root               from a set-user-ID copy: root for good, so that only root may signal it; prints "ready"
 *   actor flood SIGNALS N    sends its parent N signals, the kinds (10,34) in turn, and ends with 3
 *   actor chains N           N chains of processes, each of which forks the next one and ends, for a minute; ends with 5
 *                            once it may. Only for a PID namespace: with room for pids they take a machine down
 *   actor endless            a chain that grows for ever at its end, held at 300 processes by a limit (as root only)
 *   actor block SIGNALS CMD  blocks the signals (15,1,40) and executes the command
 *   actor ignore SIGNAL CMD  ignores the signal and executes the command
 * After burst, orphans and chain it prints "done" and waits for a signal.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void fail(const char *what) {
  fprintf(stderr, "actor: %s: %s\n", what, strerror(errno));
  exit(99);
}

static pid_t fork_or_fail(void) {
  pid_t pid = fork();
  if (pid == -1) fail("fork");
  return pid;
}

static void done(void) {
  puts("done");
  fflush(stdout);
  for (;;) pause();
}

static void signals(void) {
  sigset_t all;
  sigfillset(&all);
  if (sigprocmask(SIG_SETMASK, &all, NULL) == -1) fail("sigprocmask");
  printf("ready %d\n", (int)getpid());
  fflush(stdout);
  for (;;) {
    int signal = sigwaitinfo(&all, NULL);
    if (signal == -1) continue;
    printf("%d\n", signal);
    fflush(stdout);
  }
}

static void end_with_7(int signal_number) {
  (void)signal_number;
  _exit(7);
}

static void join(void) {
  signal(SIGTERM, end_with_7);
  if (setpgid(0, getpgid(getppid())) == -1) fail("setpgid");
  puts("joined");
  fflush(stdout);
  for (;;) pause();
}

static void die(int signal_number) {
  struct rlimit none = {0, 0};
  sigset_t set;
  setrlimit(RLIMIT_CORE, &none);
  signal(signal_number, SIG_DFL);
  sigemptyset(&set);
  sigaddset(&set, signal_number);
  sigprocmask(SIG_UNBLOCK, &set, NULL);
  kill(getpid(), signal_number);
  for (;;) pause();
}

static void burst(int count) {
  pid_t middle = fork_or_fail();
  if (middle == 0) {
    for (int i = 0; i < count; i++) {
      pid_t pid = fork_or_fail();
      if (pid == 0) _exit(0);
      /* Only look: the zombie stays until this process dies and leaves all of them at once. */
      siginfo_t info;
      if (waitid(P_PID, pid, &info, WEXITED | WNOWAIT) == -1) fail("waitid");
    }
    _exit(0);
  }
  if (waitpid(middle, NULL, 0) == -1) fail("waitpid");
  done();
}

static void orphans(int count) {
  for (int i = 0; i < count; i++) {
    pid_t middle = fork_or_fail();
    if (middle == 0) {
      fork_or_fail();
      _exit(0);
    }
    if (waitpid(middle, NULL, 0) == -1) fail("waitpid");
  }
  done();
}

/* Every parent waits on a pipe until the whole chain stands, then all die from the top down. */
static void chain(int depth) {
  int standing[2];
  if (pipe(standing) == -1) fail("pipe");
  pid_t first = fork_or_fail();
  if (first == 0) {
    close(standing[1]);
    for (int level = 1; level < depth; level++) {
      pid_t next = fork_or_fail();
      if (next != 0) {
        char byte;
        if (read(standing[0], &byte, 1) == -1) fail("read");
        _exit(0);
      }
    }
    /* The last one: wait until it is an orphan of the reaper, parent by parent. */
    char byte;
    if (read(standing[0], &byte, 1) == -1) fail("read");
    _exit(0);
  }
  printf("chain %d\n", (int)first);
  fflush(stdout);
  close(standing[0]);
  getchar(); /* the test says when they may end */
  close(standing[1]);
  if (waitpid(first, NULL, 0) == -1) fail("waitpid");
  done();
}

static void daemonize(void) {
  int ready[2];
  char byte;
  if (pipe(ready) == -1) fail("pipe");
  pid_t middle = fork_or_fail();
  if (middle == 0) {
    if (setsid() == -1) fail("setsid");
    pid_t pid = fork_or_fail();
    if (pid != 0) _exit(0);
    printf("daemon %d\n", (int)getpid());
    fflush(stdout);
    close(ready[0]);
    close(ready[1]);
    for (;;) pause();
  }
  close(ready[1]);
  if (waitpid(middle, NULL, 0) == -1) fail("waitpid");
  /* The end of the pipe: the daemon has said so. */
  if (read(ready[0], &byte, 1) == -1) fail("read");
  close(ready[0]);
}

/* Answers SIGTERM with a daemon that ignores it. */
static void leave_a_daemon(int signal_number) {
  (void)signal_number;
  pid_t pid = fork();
  if (pid != 0) _exit(0);
  setsid();
  signal(SIGTERM, SIG_IGN);
  if (fork() != 0) _exit(0);
  for (;;) pause();
}

static void be_hostile(int kind) {
  switch (kind) {
    case 0: /* keeps forking */
      signal(SIGTERM, SIG_IGN);
      signal(SIGCHLD, SIG_IGN);
      for (;;) {
        if (fork() == 0) {
          usleep(20000);
          _exit(0);
        }
        usleep(2000);
      }
    case 1: /* ignores what it is asked */
      signal(SIGTERM, SIG_IGN);
      break;
    case 2: /* is stopped */
      raise(SIGSTOP);
      break;
    case 3: /* is in another session */
      setsid();
      signal(SIGTERM, SIG_IGN);
      break;
    case 4: /* double-forks when it is asked to end */
      signal(SIGTERM, leave_a_daemon);
      break;
    case 5: /* is never where it was: each child goes on for its parent */
      signal(SIGTERM, SIG_IGN);
      for (;;) {
        setsid();
        if (fork() != 0) _exit(0);
        usleep(1000);
      }
  }
  for (;;) pause();
}

static void hostile(int count) {
  for (int i = 0; i < count; i++) {
    /* Few of the kinds that fork on and on: what they do is for ever. */
    static const int kinds[] = {1, 2, 3, 4, 1, 2, 3, 4, 0, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 5};
    if (fork_or_fail() == 0) be_hostile(kinds[i % 20]);
  }
  puts("ready");
  fflush(stdout);
  getchar();
  exit(5);
}

static void flood(char *kinds, int count) {
  int signals[64], known = 0;
  for (char *each = strtok(kinds, ","); each && known < 64; each = strtok(NULL, ",")) signals[known++] = atoi(each);
  if (known == 0) fail("flood");
  /* They come back, forwarded. */
  for (int i = 1; i <= 64; i++) signal(i, SIG_IGN);
  pid_t parent = getppid();
  for (int i = 0; i < count; i++)
    if (kill(parent, signals[i % known]) == -1) fail("kill");
  exit(3);
}

/* Nobody who kills one process of a chain ends the chain, but for whoever is faster than fork(2). */
static void go_on(time_t end) {
  signal(SIGTERM, SIG_IGN);
  while (time(NULL) < end)
    if (fork() > 0) _exit(0);
  _exit(0);
}

static void chains(int count) {
  time_t end = time(NULL) + 60;
  for (int i = 0; i < count; i++)
    if (fork_or_fail() == 0) go_on(end);
  puts("ready");
  fflush(stdout);
  getchar();
  exit(5);
}

static void endless(void) {
  struct rlimit limit = {300, 300};
  if (setgid(20001) == -1 || setuid(20001) == -1) fail("setuid");
  if (setrlimit(RLIMIT_NPROC, &limit) == -1) fail("setrlimit");
  signal(SIGTERM, SIG_IGN);
  puts("ready");
  fflush(stdout);
  for (;;) {
    pid_t pid = fork();
    if (pid > 0)
      for (;;) pause();
    if (pid == -1) usleep(100);
  }
}

static void execute(char **command) {
  execvp(command[0], command);
  fail(command[0]);
}

int main(int argc, char **argv) {
  const char *role = argc > 1 ? argv[1] : "";
  int number = argc > 2 ? atoi(argv[2]) : 0;
  if (!strcmp(role, "signals")) signals();
  if (!strcmp(role, "die")) die(number);
  if (!strcmp(role, "burst")) burst(number);
  if (!strcmp(role, "orphans")) orphans(number);
  if (!strcmp(role, "chain")) chain(number);
  if (!strcmp(role, "endless")) endless();
  if (!strcmp(role, "flood") && argc > 3) flood(argv[2], atoi(argv[3]));
  if (!strcmp(role, "chains")) chains(number);
  if (!strcmp(role, "join")) join();
  if (!strcmp(role, "root")) {
    if (setuid(0) == -1) fail("setuid");
    puts("ready");
    fflush(stdout);
    for (;;) pause();
  }
  if (!strcmp(role, "hostile")) hostile(number);
  if (!strcmp(role, "daemon")) {
    daemonize();
    done();
  }
  if (!strcmp(role, "block")) {
    sigset_t set;
    sigemptyset(&set);
    for (char *each = strtok(argv[2], ","); each; each = strtok(NULL, ",")) sigaddset(&set, atoi(each));
    sigprocmask(SIG_BLOCK, &set, NULL);
    execute(argv + 3);
  }
  if (!strcmp(role, "ignore")) {
    signal(number, SIG_IGN);
    execute(argv + 3);
  }
  fprintf(stderr, "actor: unknown role '%s'\n", role);
  return 99;
}
