// A member of a tree: member.cjs FOLDER NAME GENERATIONS. Leaves its pid in a file of that name, and stays.
const { spawn } = require('node:child_process');
const { renameSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');

const [folder, name, generations] = process.argv.slice(2);
// It appears whole.
const unfinished = join(folder, `.${name}`);
writeFileSync(unfinished, String(process.pid));
renameSync(unfinished, join(folder, name));
setInterval(() => {}, 2 ** 31 - 1);
if (Number(generations) > 1) {
  for (const [suffix, detached] of [
    ['a', false],
    ['d', true],
  ]) {
    const args = [__filename, folder, name + suffix, String(generations - 1)];
    spawn(process.execPath, args, { stdio: 'ignore', detached }).unref();
  }
}
