import { resolve } from 'node:path';
import { buildFolder } from '../helpers/environment.ts';
import { command } from '../helpers/needs.ts';
import type { Machine } from './machines.ts';

/** What the tests download and build, and keep for the next run. */
export const kernelsFolder = resolve(buildFolder, 'kernels');

/** @returns what is missing here to emulate a machine, and to build what it boots into */
export function findLack({ qemu, compiler, packages }: Machine): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return 'Linux on x64: the kernels are built for it';
  const commands = {
    [qemu]: packages.qemu,
    [compiler]: packages.compiler,
    cpio: 'cpio',
    'apt-get': 'apt',
    'dpkg-deb': 'dpkg',
  };
  for (const [name, debianPackage] of Object.entries(commands)) {
    const lack = command(name, debianPackage);
    if (lack !== undefined) return lack;
  }
  return undefined;
}
