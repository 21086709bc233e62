/*
 * actor: the workload of the tests. It reports on standard output, one line for each event.
 *
 *   actor signals            blocks every signal, prints "ready PID", then the number of each signal it receives
 *   actor die SIGNAL         ends itself with that signal
 *   actor burst N            a child makes N zombies and ends: its reaper gets all of them at one instant
 *   actor orphans N          N orphans, one after another, each of which ends at once
 *   actor parent N MS STATUS leaves N orphans that live up to 50 ms each, lives that long itself, and ends with that exit
 *                            code, or by signal -STATUS; with 99 if it cannot
 *   actor brief US STATUS    lives that many microseconds, and ends in the same way
 *   actor chain N            a chain of N processes, each the child of the one before, all but the first orphans
 *   actor daemon             daemon(3) by hand: fork, setsid, fork; prints "daemon PID" and stays
 *   actor hostile N          N processes that are hard to end: see hostile(); ends with 5 on a line of input
 *   actor wide N             N children, each in a process group of its own; prints "ready", and ends with 5 on a line of input
 *   actor first-thread       its first thread ends at once, another one 200 ms later: by exit(6)
 *   actor vfork              starts true(1) by vfork(2) a hundred times, and ends with 8
 *   actor vfork-long         prints "ready", then is in one vfork(2), in state D, until it can read a byte; ends with 0
 *   actor reuse PID          starts a process with that pid, which must be free, as the leader of a group: it does what
 *                            signals does
 *   actor join               joins its parent's process group, prints "joined", ends with 7 on SIGTERM
 *   actor root               from a set-user-ID copy: becomes root, so that only root may signal it; prints "ready"
 *   actor flood SIGNALS N    sends its parent N signals, the kinds (10,34) in turn, and ends with 3
 *   actor flood-on SIGNALS   prints "ready", and sends its parent such signals until SIGTERM ends it
 *   actor flood-pid PID SIGNALS N
 *                            sends them to that process, and ends with 0, even if the process ends before
 *   actor sink               counts real-time signals and ignores others; prints "ready"; on a stop signal (TERM, INT,
 *                            QUIT, HUP) prints "counted N" and ends with 7
 *   actor chains N           N chains of processes, each of which forks the next one and ends, for a minute; ends with 5
 *                            on a line of input. Only in a PID namespace: otherwise they take a machine down
 *   actor endless [UID]      a chain that keeps growing, up to a limit of 300 processes (as root only). The limit counts
 *                            all processes of a user: chains that run at once need a UID each
 *   actor duties TRIES       does what needs each of init's duties: see duties()
 *   actor block SIGNALS CMD  blocks the signals (15,1,40) and executes the command
 *   actor ignore SIGNALS CMD ignores the signals (15,1,40) and executes the command
 *   actor traceme [CMD]      makes its parent its tracer, PTRACE_TRACEME, and executes the command; without one it prints
 *                            "ready", and ends with 7 on SIGTERM, with 3 on a line of input
 *   actor lose [LATE]        a child loses the SIGTERM that it catches by its execve(2), and sleeps; then ends with 7. LATE: it
 *                            ends first, and the child executes later. Prints "ready" when the signal may come
 *   actor hold PID           traces that process, prints "holds", and keeps its zombie until a line of input
 *   actor leash SECONDS CMD  executes the command, which dies after that time, or with its parent, and may queue two
 *                            thirds of the signals that its user may queue
 *   actor below CMD          as PID 1: runs the command as its child, reaps, and ends with the command's status. Reports
 *                            on standard error what the command left running: "left behind: PID NAME STATE"
 * After burst, orphans and chain it prints "done" and waits for a signal.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void fail(const char *what) {
  fprintf(stderr, "actor: %s: %s\n", what, strerror(errno));
  exit(99);
}

/* What else runs on the machine may leave it without a process to spare for a moment. */
static pid_t fork_or_fail(void) {
  for (int tries = 0;; tries++) {
    pid_t pid = fork();
    if (pid != -1) return pid;
    if (errno != EAGAIN || tries == 1000) fail("fork");
    if (tries == 0) fputs("actor: fork: no process to spare; trying again\n", stderr);
    usleep(100000);
  }
}

/* "15,1,40" */
static int parse_signals(char *list, int signals[64]) {
  int known = 0;
  for (char *each = strtok(list, ","); each && known < 64; each = strtok(NULL, ",")) signals[known++] = atoi(each);
  return known;
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

static void *end_later(void *nothing) {
  (void)nothing;
  usleep(200 * 1000);
  exit(6);
}

static void first_thread(void) {
  pthread_t other;
  if (pthread_create(&other, NULL, end_later, NULL) != 0) fail("pthread_create");
  pthread_exit(NULL);
}

static void vfork_often(void) {
  for (int i = 0; i < 100; i++) {
    pid_t pid = vfork();
    if (pid == -1) fail("vfork");
    if (pid == 0) {
      execlp("true", "true", (char *)NULL);
      _exit(127);
    }
    if (waitpid(pid, NULL, 0) != pid) fail("waitpid");
  }
  exit(8);
}

static void vfork_long(void) {
  puts("ready");
  fflush(stdout);
  char byte;
  pid_t pid = vfork();
  if (pid == -1) fail("vfork");
  if (pid == 0) _exit(read(0, &byte, 1) == 1 ? 0 : 1);
  exit(0);
}

/* The kernel assigns pids in order: the next one is that of the file plus one, unless another process forks first. */
static void reuse(pid_t wanted) {
  for (int i = 0; i < 1000; i++) {
    FILE *last = fopen("/proc/sys/kernel/ns_last_pid", "w");
    if (last == NULL || fprintf(last, "%d", wanted - 1) < 0 || fclose(last) != 0) fail("ns_last_pid");
    pid_t pid = fork_or_fail();
    if (pid == 0 && getpid() != wanted) _exit(0);
    if (pid == 0) {
      if (setpgid(0, 0) == -1) fail("setpgid");
      signals();
    }
    if (waitpid(pid, NULL, 0) == -1) fail("waitpid");
    if (pid == wanted) exit(0);
  }
  errno = EEXIST;
  fail("reuse");
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
      /* WNOWAIT leaves the zombie until this process dies and hands over all of them at once. */
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

static void end(int status) {
  if (status < 0) die(-status);
  exit(status);
}

static void brief(int life_us, int status) {
  usleep(life_us);
  end(status);
}

static void parent(int count, int life_ms, int status) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  srand(now.tv_nsec ^ getpid());
  for (int i = 0; i < count; i++) {
    int us = rand() % 50000, middle_status;
    pid_t middle = fork_or_fail();
    if (middle == 0) {
      if (fork_or_fail() != 0) _exit(0);
      /* If it kept the pipe open, node's execFileSync() would wait for it. */
      for (int fd = 0; fd < 3; fd++) close(fd);
      usleep(us);
      /* Some are killed: that must make no difference to the reaper. */
      if (us % 8 == 0) die(SIGKILL);
      _exit(us % 256);
    }
    if (waitpid(middle, &middle_status, 0) == -1 || middle_status != 0) fail("orphan");
  }
  brief(life_ms * 1000, status);
}

/* Every parent waits on a pipe until the chain is complete. Then all die from the top down. */
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
    /* The last one waits until all its ancestors are gone and it is a child of the reaper. */
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
  /* The pipe ends once the daemon has reported. */
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
    case 1: /* ignores SIGTERM */
      signal(SIGTERM, SIG_IGN);
      break;
    case 2: /* is stopped */
      raise(SIGSTOP);
      break;
    case 3: /* is in another session */
      setsid();
      signal(SIGTERM, SIG_IGN);
      break;
    case 4: /* double-forks on SIGTERM */
      signal(SIGTERM, leave_a_daemon);
      break;
    case 5: /* forks and ends for ever: each child replaces its parent */
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
    /* Few of the kinds that fork for ever. */
    static const int kinds[] = {1, 2, 3, 4, 1, 2, 3, 4, 0, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 5};
    if (fork_or_fail() == 0) be_hostile(kinds[i % 20]);
  }
  puts("ready");
  fflush(stdout);
  getchar();
  exit(5);
}

static void wide(int count) {
  for (int i = 0; i < count; i++)
    if (fork_or_fail() == 0) {
      setpgid(0, 0);
      for (;;) pause();
    }
  puts("ready");
  fflush(stdout);
  getchar();
  exit(5);
}

/* Returns false once the process is gone. */
static int flood(pid_t pid, char *kinds, int count) {
  int signals[64], known = parse_signals(kinds, signals);
  if (known == 0) fail("flood");
  for (int i = 0; i < count; i++)
    if (kill(pid, signals[i % known]) == -1) {
      if (errno == ESRCH) return 0;
      fail("kill");
    }
  return 1;
}

static int flood_parent(char *kinds, int count) {
  /* init forwards them, so they come back. */
  for (int i = 1; i <= 64; i++) signal(i, SIG_IGN);
  if (!flood(getppid(), kinds, count)) fail("flood");
  return 3;
}

static void flood_on(char *kinds) {
  /* Not whoever adopts it later. */
  pid_t target = getppid();
  for (int i = 1; i <= 64; i++)
    if (i != SIGTERM) signal(i, SIG_IGN);
  puts("ready");
  fflush(stdout);
  int signals[64], known = parse_signals(kinds, signals);
  for (int i = 0;; i++)
    if (kill(target, signals[i % known]) == -1) fail("kill");
}

static volatile sig_atomic_t counted;

static void count_signal(int signal_number) {
  (void)signal_number;
  counted++;
}

static void end_with_count(int signal_number) {
  (void)signal_number;
  /* All signals are masked, so no other handler runs meanwhile. */
  printf("counted %d\n", (int)counted);
  fflush(stdout);
  _exit(7);
}

static void sink(void) {
  struct sigaction action = {.sa_handler = SIG_IGN};
  sigfillset(&action.sa_mask);
  for (int number = 1; number < SIGRTMIN; number++)
    if (number != SIGCHLD) sigaction(number, &action, NULL); /* fails for those that cannot be ignored */
  action.sa_handler = count_signal;
  for (int number = SIGRTMIN; number <= SIGRTMAX; number++) sigaction(number, &action, NULL);
  static const int stops[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP};
  action.sa_handler = end_with_count;
  for (int i = 0; i < 4; i++) sigaction(stops[i], &action, NULL);
  puts("ready");
  fflush(stdout);
  for (;;) pause();
}

/* Killing one process of a chain does not end the chain, unless the kill is faster than fork(2). */
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

/*
 * Prints "started". Leaves an orphan that is dead at once, and a survivor in another session that ignores SIGTERM. Sends
 * init SIGUSR1, which comes back forwarded, and ends with 7. A signal that does not come back within a second is sent
 * again, TRIES times in all; then it ends with 8. The environment has to be what the test set: else it ends with 9.
 */
static void duties(int tries) {
  sigset_t set;
  const char *options = getenv("NODE_OPTIONS");
  puts("started");
  fflush(stdout);
  if (options == NULL || strcmp(options, "--no-warnings") || getenv("SUBREAPER_LAUNCHER") || getenv("SUBREAPER_SAVED"))
    exit(9);
  pid_t middle = fork_or_fail();
  if (middle == 0) {
    if (fork_or_fail() == 0) _exit(0);
    /* Before the fork: the survivor is like this from its start. */
    setsid();
    signal(SIGTERM, SIG_IGN);
    if (fork_or_fail() != 0) _exit(0);
    for (;;) pause();
  }
  if (waitpid(middle, NULL, 0) == -1) fail("waitpid");
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, NULL);
  while (tries-- > 0) {
    static const struct timespec second = {1, 0};
    kill(getppid(), SIGUSR1);
    if (sigtimedwait(&set, NULL, &second) == SIGUSR1) exit(7);
  }
  exit(8);
}

static void endless(int user) {
  struct rlimit limit = {300, 300};
  if (setgid(user) == -1 || setuid(user) == -1) fail("setuid");
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

static void traceme(char **command) {
  signal(SIGTERM, end_with_7);
  if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1) fail("ptrace");
  if (command[0] != NULL) execute(command);
  puts("ready");
  fflush(stdout);
  while (getchar() != '\n') pause();
  exit(3);
}

static void hold(pid_t pid) {
  if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) == -1) fail("ptrace");
  puts("holds");
  fflush(stdout);
  getchar();
  waitpid(pid, NULL, __WALL);
  exit(0);
}

static void nothing(int signal_number) {
  (void)signal_number;
}

static void lose(int is_late) {
  int ends[2];
  sigset_t term, before;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  struct sigaction action = {.sa_handler = nothing};
  sigaction(SIGTERM, &action, NULL);
  sigprocmask(SIG_BLOCK, &term, &before);
  if (pipe2(ends, O_CLOEXEC) == -1) fail("pipe2");
  pid_t parent = getpid();
  if (fork_or_fail() == 0) {
    puts("ready");
    fflush(stdout);
    sigsuspend(&before);
    while (is_late && getppid() == parent) usleep(1000);
    if (is_late) usleep(50000);
    sigprocmask(SIG_SETMASK, &before, NULL);
    execlp("sleep", "sleep", "1000", NULL);
    fail("sleep");
  }
  if (!is_late) sigprocmask(SIG_SETMASK, &before, NULL);
  close(ends[1]);
  if (is_late) {
    sigsuspend(&before);
    exit(7);
  }
  /* Its other end is closed when the child has executed sleep. */
  char byte;
  while (read(ends[0], &byte, 1) == -1) continue;
  exit(7);
}

/* execve(2) keeps all of this; a fork keeps only the limit. */
static void leash(int seconds, char **command) {
  struct rlimit pending;
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1) fail("prctl");
  /* All processes of a user share the queue: other processes keep a part of it. */
  if (getrlimit(RLIMIT_SIGPENDING, &pending) == -1) fail("getrlimit");
  pending.rlim_cur = pending.rlim_max / 3 * 2;
  if (setrlimit(RLIMIT_SIGPENDING, &pending) == -1) fail("setrlimit");
  alarm(seconds);
  execute(command);
}

static void report_left_behind(void) {
  DIR *proc = opendir("/proc");
  if (proc == NULL) fail("/proc");
  for (struct dirent *entry; (entry = readdir(proc)) != NULL;) {
    int pid = atoi(entry->d_name);
    if (pid <= 1) continue;
    char path[64], stat[256] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen(path, "r");
    if (file == NULL) continue;
    /* "PID (NAME) STATE PARENT ..." */
    if (fgets(stat, sizeof stat, file) != NULL) {
      char *end = strrchr(stat, ')');
      if (end != NULL && strlen(end) > 2) end[3] = '\0';
      fprintf(stderr, "left behind: %s\n", stat);
    }
    fclose(file);
  }
}

/* Processes that outlive the command become children of this one: wait(2) tells whether there are any. */
static void below(char **command) {
  int status;
  pid_t child = fork_or_fail(), ended;
  if (child == 0) execute(command);
  while ((ended = waitpid(-1, &status, 0)) != child)
    if (ended == -1) fail("waitpid");
  while ((ended = waitpid(-1, NULL, WNOHANG)) > 0) continue;
  if (ended == 0) {
    fprintf(stderr, "left behind: something\n");
    report_left_behind();
  }
  if (WIFSIGNALED(status)) fprintf(stderr, "actor: signal %d ended the command\n", WTERMSIG(status));
  exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

int main(int argc, char **argv) {
  const char *role = argc > 1 ? argv[1] : "";
  int number = argc > 2 ? atoi(argv[2]) : 0;
  if (!strcmp(role, "signals")) signals();
  if (!strcmp(role, "die")) die(number);
  if (!strcmp(role, "burst")) burst(number);
  if (!strcmp(role, "orphans")) orphans(number);
  if (!strcmp(role, "parent") && argc > 4) parent(number, atoi(argv[3]), atoi(argv[4]));
  if (!strcmp(role, "brief") && argc > 3) brief(number, atoi(argv[3]));
  if (!strcmp(role, "chain")) chain(number);
  if (!strcmp(role, "endless")) endless(number > 0 ? number : 20001);
  if (!strcmp(role, "flood") && argc > 3) return flood_parent(argv[2], atoi(argv[3]));
  if (!strcmp(role, "flood-on")) flood_on(argv[2]);
  if (!strcmp(role, "flood-pid") && argc > 4) {
    flood(number, argv[3], atoi(argv[4]));
    return 0;
  }
  if (!strcmp(role, "sink")) sink();
  if (!strcmp(role, "duties")) duties(number);
  if (!strcmp(role, "chains")) chains(number);
  if (!strcmp(role, "first-thread")) first_thread();
  if (!strcmp(role, "vfork")) vfork_often();
  if (!strcmp(role, "vfork-long")) vfork_long();
  if (!strcmp(role, "reuse")) reuse(number);
  if (!strcmp(role, "join")) join();
  if (!strcmp(role, "root")) {
    if (setuid(0) == -1) fail("setuid");
    puts("ready");
    fflush(stdout);
    for (;;) pause();
  }
  if (!strcmp(role, "hostile")) hostile(number);
  if (!strcmp(role, "wide")) wide(number);
  if (!strcmp(role, "daemon")) {
    daemonize();
    done();
  }
  if (!strcmp(role, "block")) {
    sigset_t set;
    sigemptyset(&set);
    int signals[64], known = parse_signals(argv[2], signals);
    for (int i = 0; i < known; i++) sigaddset(&set, signals[i]);
    sigprocmask(SIG_BLOCK, &set, NULL);
    execute(argv + 3);
  }
  if (!strcmp(role, "ignore")) {
    int signals[64], known = parse_signals(argv[2], signals);
    for (int i = 0; i < known; i++) signal(signals[i], SIG_IGN);
    execute(argv + 3);
  }
  if (!strcmp(role, "traceme")) traceme(argv + 2);
  if (!strcmp(role, "hold")) hold(number);
  if (!strcmp(role, "lose")) lose(argc > 2);
  if (!strcmp(role, "leash")) leash(number, argv + 3);
  if (!strcmp(role, "below")) below(argv + 2);
  fprintf(stderr, "actor: unknown role '%s'\n", role);
  return 99;
}
