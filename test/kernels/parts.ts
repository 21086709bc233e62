import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { buildFolder } from '../helpers/environment.ts';

/** What the tests download and build, and keep for the next run. */
export const kernelsFolder = resolve(buildFolder, 'kernels');

/** The commands that the tests need, and the Debian packages that have them. */
const commands = {
  'qemu-system-x86_64': 'qemu-system-x86',
  cpio: 'cpio',
  strace: 'strace',
  cc: 'gcc and libc6-dev',
  ldd: 'libc-bin',
  unshare: 'util-linux',
  'apt-get': 'apt: the kernels are Debian packages',
  'dpkg-deb': 'dpkg: the kernels are Debian packages',
};

/** @returns why no kernel can be booted on this machine, if none can */
export function obstacle(): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'the kernels are for Linux on x64';
  for (const [command, packages] of Object.entries(commands)) {
    if (!isInstalled(command)) return `no ${command} (${packages})`;
  }
  return undefined;
}

function isInstalled(command: string): boolean {
  return spawnSync('sh', ['-c', 'command -v "$0"', command]).status === 0;
}
