// Installs the suites into build/foreign.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { buildSync } from 'esbuild';
import { run, unpackSource } from './debian.mjs';

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

function addSource(packageFolder, source) {
  // What the package has beyond the source, compiled files, stays.
  unpackSource(source, packageFolder);
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
