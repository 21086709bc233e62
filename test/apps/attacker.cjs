// A workload that becomes the user USER. It tries on init what only init's user and root may do, and then the same on a child
// of its own. Prints a line of JSON for each of the two: what came of each attempt, an error or "done".
const { spawn } = require('node:child_process');
const { constants: access, openSync } = require('node:fs');
const { constants, getPriority } = require('node:os');
const koffi = require('koffi');

const [user] = process.argv.slice(2);
const libc = koffi.load(null);
const call = (prototype) => {
  const callNow = libc.func(prototype);
  return (...args) => {
    const result = Number(callNow(...args));
    if (result !== -1) return result;
    const [code] = Object.entries(constants.errno).find(([, number]) => number === koffi.errno()) ?? [];
    throw Object.assign(new Error(), { code });
  };
};
const kill = call('int kill(int, int)');
const sigqueue = call('int sigqueue(int, int, void *)');
const prlimit = call('int prlimit(int, int, void *, void *)');
const ptrace = call('long ptrace(long, long, long, long)');
const readMemory = call('long process_vm_readv(int, void *, long, void *, long, long)');
const setPriority = call('int setpriority(int, int, int)');
const setAffinity = call('int sched_setaffinity(int, long, void *)');
const setScheduler = call('int sched_setscheduler(int, int, void *)');
// These have one number on all architectures.
const systemCall = call('long syscall(long, long, long, long, long)');
const openPidfd = (pid) => systemCall(434, pid, 0, 0, 0);

const PTRACE_ATTACH = 16;
const RLIMIT_AS = 9;
const SCHED_BATCH = 3;

const reads = [
  ...[
    'environ',
    'mem',
    'maps',
    'smaps',
    'pagemap',
    'auxv',
    'syscall',
    'stack',
    'io',
    'personality',
    'timers',
  ],
  ...['cwd', 'exe', 'root', 'fd', 'fdinfo', 'map_files', 'ns/mnt', 'ns/pid', 'ns/user'],
];
const writes = ['mem', 'comm', 'oom_score_adj', 'coredump_filter', 'clear_refs', 'autogroup', 'uid_map'];

const attacks = {
  ...forEach(reads, (file) => [`read ${file}`, (pid) => openSync(`/proc/${pid}/${file}`, access.O_RDONLY)]),
  ...forEach(writes, (file) => [`write ${file}`, (pid) => openSync(`/proc/${pid}/${file}`, access.O_WRONLY)]),
  'read a limit': (pid) => prlimit(pid, RLIMIT_AS, null, Buffer.alloc(16)),
  'set a limit': (pid) => prlimit(pid, RLIMIT_AS, Buffer.alloc(16, 0xff), null),
  'set its priority': (pid) => setPriority(0, pid, getPriority()),
  'set its CPUs': (pid) => setAffinity(pid, 128, Buffer.alloc(128, 0xff)),
  'set its scheduler': (pid) => setScheduler(pid, SCHED_BATCH, Buffer.alloc(4)),
  'copy a descriptor': (pid) => systemCall(438, openPidfd(pid), 0, 0, 0),
  'copy its memory': (pid) => {
    // There is nothing at that address in another process. What matters is whether the kernel looks.
    const memory = Buffer.alloc(16);
    const vector = Buffer.alloc(16);
    vector.writeBigUInt64LE(koffi.address(memory));
    vector.writeBigUInt64LE(1n, 8);
    try {
      readMemory(pid, vector, 1, vector, 1, 0);
    } catch (error) {
      if (error.code !== 'EFAULT') throw error;
    }
  },
  'trace it': (pid) => ptrace(PTRACE_ATTACH, pid, 0, 0),
  // The child ends by the first of these. As a zombie it takes the others.
  'signal it': anyOf(kill),
  'queue a signal': anyOf((pid, signal) => sigqueue(pid, signal, null)),
  'signal by pidfd': anyOf((pid, signal) => systemCall(424, openPidfd(pid), signal, 0, 0)),
};

function forEach(names, entryOf) {
  return Object.fromEntries(names.map(entryOf));
}

/** Fails if every signal is refused. Without SIGCONT, which anybody may send within a session: kill(2). */
function anyOf(send) {
  return (pid) => {
    let refusal;
    for (let signal = 1; signal <= 64; signal++) {
      if (signal === constants.signals.SIGCONT) continue;
      try {
        return send(pid, signal);
      } catch (error) {
        refusal = error;
      }
    }
    throw refusal;
  };
}

function attack(pid) {
  const outcomes = {};
  for (const [name, strike] of Object.entries(attacks)) {
    try {
      strike(pid);
      outcomes[name] = 'done';
    } catch (error) {
      outcomes[name] = error.code;
    }
  }
  console.log(JSON.stringify(outcomes));
}

process.setgroups([]);
process.setgid(Number(user));
process.setuid(Number(user));
const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
child.on('spawn', () => {
  attack(process.ppid);
  attack(child.pid);
  child.kill('SIGKILL');
});
