import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** A file of the package, which is one folder above the bundle. */
export function packageFile(name: string): string {
  return readFileSync(resolve(import.meta.dirname, '..', name), 'utf8');
}

export function version(): string {
  return (JSON.parse(packageFile('package.json')) as { version: string }).version;
}
