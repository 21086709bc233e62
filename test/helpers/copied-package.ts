import { chmodSync, cpSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { launcher } from './environment.ts';

const root = join(launcher, '../..');
const platform = `@koromix/koffi-linux-${process.arch}`;

const isOfThePackage = (file: string) => !file.endsWith('.cache');

/** A copy of the package, not prepared, and of koffi, each in a folder of its own, that any user may read. */
export function copyPackage(): { folder: string; addon: string } {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'subreaper-')));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  chmodSync(folder, 0o755);
  for (const part of ['bin', 'dist', 'package.json'])
    cpSync(join(root, part), join(folder, 'subreaper', part), { recursive: true, filter: isOfThePackage });
  const modules = (name: string) => join(folder, 'node_modules', name);
  for (const name of ['koffi', platform])
    cpSync(join(root, 'node_modules', name), modules(name), { recursive: true, dereference: true });
  // The others are whole.
  for (const name of ['pino', 'signal-exit']) symlinkSync(join(root, 'node_modules', name), modules(name));
  return { folder, addon: join(modules(platform), `linux_${process.arch}/koffi.node`) };
}
