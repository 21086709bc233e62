// A workload on a terminal that has become the user USER. It gives the terminal to init's process group, and types Ctrl-C,
// Ctrl-\ and Ctrl-Z: TIOCSTI of ioctl_tty(2). Then it says which signals it gets. On SIGTERM it stops all output of the
// terminal, tcflow(3), and ends by SIGSEGV.
const { constants } = require('node:os');
const koffi = require('koffi');

const [user] = process.argv.slice(2);
const libc = koffi.load(null);
const ioctl = libc.func('int ioctl(int, unsigned long, void *)');
const tcflow = libc.func('int tcflow(int, int)');
const tcsetpgrp = libc.func('int tcsetpgrp(int, int)');
const getpgid = libc.func('int getpgid(int)');
const setAction = libc.func('void *signal(int, long)');
const TIOCSTI = 0x5412;
const TCOOFF = 0;
const SIG_IGN = 1;

process.setgroups([]);
process.setgid(Number(user));
process.setuid(Number(user));
// The terminal would stop it, once it is in the background.
setAction(constants.signals.SIGTTOU, SIG_IGN);
for (const signal of ['SIGINT', 'SIGQUIT', 'SIGTSTP']) process.on(signal, () => console.log(`got ${signal}`));
process.on('SIGTERM', () => {
  tcflow(1, TCOOFF);
  process.kill(process.pid, 'SIGSEGV');
});

const given = tcsetpgrp(0, getpgid(process.ppid)) === 0;
const typed = ['\x03', '\x1c', '\x1a'].map((key) => ioctl(0, TIOCSTI, Buffer.from(key)) === 0);
// Not before: a Ctrl-C empties the terminal's output.
console.log(`given ${given}, typed ${typed.every(Boolean)}`);
setInterval(() => {}, 1e6);
