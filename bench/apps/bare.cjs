// Bare node as an init: the small script of many images, which starts the command and waits for it.
const { spawn } = require('node:child_process');

const child = spawn(process.argv[2], process.argv.slice(3), { stdio: 'inherit' });
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR2']) process.on(signal, () => child.kill(signal));
child.once('exit', (code) => process.exit(code ?? 1));
