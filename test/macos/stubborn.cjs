// A tree that only its environment shows: stubborn.cjs FOLDER NAME [leaf]. It starts two more that have left their parents, one
// of them its session too. Each leaves its pid in a file, and ignores SIGTERM.
const { spawn } = require('node:child_process');
const { renameSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');

const [folder, name, kind] = process.argv.slice(2);
process.on('SIGTERM', () => {});
setInterval(() => {}, 2 ** 31 - 1);
writeFileSync(join(folder, `.${name}`), String(process.pid));
renameSync(join(folder, `.${name}`), join(folder, name));
if (kind !== 'leaf') {
  for (const [suffix, detached] of [
    ['a', false],
    ['d', true],
  ]) {
    const leaf = [process.execPath, __filename, folder, name + suffix, 'leaf'];
    spawn('sh', ['-c', '"$@" &', 'sh', ...leaf], { stdio: 'ignore', detached });
  }
}
