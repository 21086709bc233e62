import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { buildFolder } from '../helpers/environment.ts';

const here = import.meta.dirname;
/** Where the starters are installed. */
export const starters = resolve(buildFolder, 'starters');
/** A project that Yarn 4 knows: it runs no script of one that it has not installed. */
export const yarnProject = join(starters, 'yarn-project');

const lock = () => readFileSync(join(here, 'package-lock.json'), 'utf8');
/** The lock file that they were installed by. */
const installed = join(starters, 'installed');

/** Whether they are there as the lock file has them. */
export function areInstalled(): boolean {
  return existsSync(installed) && readFileSync(installed, 'utf8') === lock();
}

/** Installs the starters, unless they are there. */
export function setup(): void {
  if (areInstalled()) return;
  rmSync(starters, { recursive: true, force: true });
  mkdirSync(yarnProject, { recursive: true });
  try {
    install();
    writeFileSync(installed, lock());
  } catch (error) {
    console.warn(`the starters cannot be installed from npm: ${(error as Error).message}`);
  }
}

function install(): void {
  for (const file of ['package.json', 'package-lock.json']) cpSync(join(here, file), join(starters, file));
  const quiet = ['--silent', '--no-audit', '--no-fund', '--ignore-scripts'];
  execFileSync('npm', ['ci', ...quiet], { cwd: starters, stdio: 'inherit' });

  // A lock file makes the folder a project of its own.
  writeFileSync(join(yarnProject, 'yarn.lock'), '');
  writeFileSync(
    join(yarnProject, 'package.json'),
    '{ "name": "app", "scripts": { "start": "node server.mjs" } }',
  );
  writeFileSync(
    join(yarnProject, '.yarnrc.yml'),
    'enableTelemetry: false\nenableGlobalCache: false\nnodeLinker: node-modules\n',
  );
  const yarn = join(starters, 'node_modules/@yarnpkg/cli-dist/bin/yarn.js');
  execFileSync(process.execPath, [yarn, 'install'], { cwd: yarnProject, stdio: 'pipe' });
}
