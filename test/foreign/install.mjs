// Installs the suites into build/foreign.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { buildSync } from 'esbuild';

const root = resolve(import.meta.dirname, '../..');
const folder = resolve(root, 'build/foreign');
const packages = resolve(folder, 'node_modules');
const isWhole = resolve(folder, 'whole');

/** @returns {string} the package's folder, with its tests */
export function folderOf({ name }) {
  return resolve(packages, name);
}

/** @returns {string} */
export function versionOf(suite) {
  return JSON.parse(readFileSync(resolve(folderOf(suite), 'package.json'), 'utf8')).version;
}

/** Does nothing if they are installed. Remove build/foreign after a change to them. */
export function installSuites(suites) {
  if (existsSync(isWhole)) return;
  mkdirSync(folder, { recursive: true });
  for (const file of ['package.json', 'package-lock.json']) {
    cpSync(resolve(import.meta.dirname, file), resolve(folder, file));
  }
  run('npm', ['ci', '--silent', '--no-audit', '--no-fund', '--ignore-scripts'], folder);
  provideLoader();
  for (const suite of suites) if (suite.source !== undefined) addSource(folderOf(suite), suite.source);
  writeFileSync(isWhole, '');
}

function addSource(packageFolder, { path, sha256 }) {
  const tarball = resolve(folder, 'source.tar');
  // A mirror serves a name with + and ~ only if both are encoded.
  const url = `${debianMirror()}${path.replaceAll('+', '%2b').replaceAll('~', '%7e')}`;
  // The user that apt downloads as may not enter this folder.
  const options = ['-qq', '-o', 'APT::Sandbox::User=root'];
  run('/usr/lib/apt/apt-helper', [...options, 'download-file', url, tarball, `SHA256:${sha256}`], folder);
  // What the package has beyond the source, compiled files, stays.
  run('tar', ['--extract', '--file', tarball, '--strip-components=1'], packageFolder);
  rmSync(tarball);
  compileTests(packageFolder);
}

/** Node 20 runs no TypeScript. The tests become .js files beside the .ts files; so do their snapshots. */
function compileTests(packageFolder) {
  const files = readdirSync(packageFolder, { recursive: true });
  const isTest = (file) => /^test\/.*(?<!\.d)\.ts$/.test(file);
  const entryPoints = files.filter(isTest).map((file) => resolve(packageFolder, file));
  buildSync({
    entryPoints,
    outdir: resolve(packageFolder, 'test'),
    outbase: resolve(packageFolder, 'test'),
    format: 'cjs',
  });
  for (const file of files.filter((name) => name.endsWith('.ts.test.cjs'))) {
    const snapshots = readFileSync(resolve(packageFolder, file), 'utf8');
    writeFileSync(
      resolve(packageFolder, file.replace('.ts.', '.js.')),
      snapshots.replaceAll('.ts TAP', '.js TAP'),
    );
  }
}

/** The tests of foreground-child start themselves with --loader=ts-node/esm. Compiled, they need no loader: an empty one. */
function provideLoader() {
  const loader = resolve(packages, 'ts-node');
  mkdirSync(loader);
  writeFileSync(resolve(loader, 'package.json'), '{ "exports": { "./esm": "./esm.mjs" } }');
  writeFileSync(resolve(loader, 'esm.mjs'), 'export {};\n');
}

/** @returns {string} the one that apt uses, with a slash at its end */
function debianMirror() {
  const filter = ['Created-By: Packages', 'Origin: Debian', 'Label: Debian'];
  const mirrors = run('apt-get', ['indextargets', '--format', '$(REPO_URI)', ...filter], folder);
  const [mirror] = mirrors.split('\n');
  if (!mirror) throw new Error('apt has no Debian mirror');
  return mirror;
}

function run(command, args, cwd) {
  return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}
