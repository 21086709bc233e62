// Compiles a program that uses the packed package with every supported TypeScript, as an ES module, as CommonJS and for a
// bundler, and runs it.
// Usage: node test/consumers/run.mjs
import { execFile, execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');
/** Below the project, so that the package finds koffi. */
const folder = resolve(root, 'build/consumers');
const PRINTS = 'number 2 2 2 2 function SystemError\n';
const { dependencies } = JSON.parse(readFileSync(resolve(import.meta.dirname, 'package.json'), 'utf8'));
const compilers = Object.keys(dependencies).filter((name) => name.startsWith('typescript-'));
const ways = {
  'an ES module': { file: 'consumer.mts', output: 'consumer.mjs', module: 'node16' },
  CommonJS: { file: 'consumer.cts', output: 'consumer.cjs', module: 'node16' },
  'a bundler': { file: 'consumer.mts', module: 'esnext', resolution: 'bundler' },
};

install();
const table = (await Promise.all(compilers.map(checkAll))).flat();
console.table(table);
process.exitCode = table.every(({ outcome }) => outcome === 'ok') ? 0 : 1;

function install() {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const file of ['package.json', 'package-lock.json']) {
    cpSync(resolve(import.meta.dirname, file), resolve(folder, file));
  }
  run('npm', ['ci', '--silent', '--no-audit', '--no-fund', '--ignore-scripts'], folder);
  run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder], root);
  const { name, version } = JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8'));
  const into = resolve(folder, 'node_modules/subreaper');
  mkdirSync(into);
  run('tar', ['-xzf', `${name}-${version}.tgz`, '--strip-components=1', '-C', into], folder);
}

/** All ways with one compiler, in a folder of its own. */
async function checkAll(compiler) {
  const { version } = JSON.parse(
    readFileSync(resolve(folder, `node_modules/${compiler}/package.json`), 'utf8'),
  );
  const own = resolve(folder, compiler);
  mkdirSync(own);
  const rows = [];
  for (const [way, options] of Object.entries(ways)) {
    rows.push({ TypeScript: version, for: way, outcome: await check(own, compiler, version, options) });
  }
  return rows;
}

/** @returns {Promise<string>} 'ok', or what went wrong */
async function check(cwd, compiler, version, { file, output, module, resolution = module }) {
  cpSync(resolve(import.meta.dirname, 'consumer.mts'), resolve(cwd, file));
  const types = ['--types', 'node', '--typeRoots', '../node_modules/@types', '--target', 'es2022'];
  const own = Number.parseInt(version, 10) >= 6 ? ['--ignoreConfig'] : [];
  const options = ['--strict', '--module', module, '--moduleResolution', resolution, ...types, ...own];
  const errors = await node(cwd, `../node_modules/${compiler}/bin/tsc`, ...options, file);
  if (errors !== '') return errors;
  const printed = output === undefined ? PRINTS : await node(cwd, output);
  return printed === PRINTS ? 'ok' : `printed ${printed}`;
}

/** @returns {Promise<string>} what a script prints */
function node(cwd, ...args) {
  return new Promise((settle) => {
    execFile('node', args, { cwd }, (_, stdout, stderr) => settle(stdout + stderr));
  });
}

function run(command, args, cwd) {
  execFileSync(command, args, { cwd, stdio: ['ignore', 'ignore', 'inherit'] });
}
