import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');

/**
 * Packs the package and unpacks it below a folder, as `package`.
 * @returns the files that it holds
 */
export function unpackPackage(folder: string): string[] {
  // Without scripts: prepack would rebuild the tree while other tests use it.
  const output = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
    cwd: root,
    encoding: 'utf8',
  });
  const parsed = JSON.parse(output);
  const [packed] = Array.isArray(parsed) ? parsed : Object.values(parsed);
  const { files, filename } = packed as { files: { path: string }[]; filename: string };
  execFileSync('tar', ['-xzf', join(folder, filename), '-C', folder]);
  return files.map(({ path }) => path);
}

/** Copies an installed dependency, without its own. */
export function copyInstalled(name: string, modules: string): void {
  cpSync(join(root, 'node_modules', name), join(modules, name), { recursive: true });
}

/** Puts an unpacked package into node_modules, as npm does: beside what it needs. */
export function install(unpacked: string, modules: string): void {
  mkdirSync(join(modules, '.bin'), { recursive: true });
  cpSync(unpacked, join(modules, 'subreaper'), { recursive: true });
  for (const name of ['koffi', '@koromix']) copyInstalled(name, modules);
  symlinkSync('../subreaper/bin/subreaper', join(modules, '.bin/subreaper'));
}
