// Owns a tree by the command line: command-line-owner.cjs ARGUMENT...
const { spawn } = require('node:child_process');
const { dirname, join } = require('node:path');

const launcher = join(dirname(require.resolve('subreaper/package.json')), 'bin/subreaper');
const line = [launcher, '--until-owner', '--', process.execPath, ...process.argv.slice(2)];
// Detached: libuv would have it end with this process.
spawn(process.execPath, line, { stdio: 'ignore', detached: true });
setInterval(() => {}, 2 ** 31 - 1);
