import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** A path in the store names a hash of what it was made from. */
const inStore = (name: string) => `/nix/store/0c1d2f3g4h5i6j7k8l9m0n1p2q3r4s5v-${name}`;
const libraries = inStore('glibc-2.36/lib');
const shell = inStore('bash-5.2/bin/sh');
export const nixNode = inStore('nodejs-24/bin/node');
/** What such an image sets: /bin is not in it. */
export const nixPath = `${dirname(nixNode)}:${dirname(shell)}`;

const needed = /^(lib(c|m|dl|rt|pthread|gcc_s|stdc\+\+|tinfo)\.so\.\d+|ld-linux-.*)$/;

/**
 * Lays a root out as Nix does.
 * @param root gets it
 * @param from what it is made of: Debian's root folder, and two programs
 */
export function layOutNix(
  root: string,
  from: { readonly debian: string; readonly node: string; readonly patchelf: string },
): void {
  const usrLib = join(from.debian, 'usr/lib');
  const [triplet] = readdirSync(usrLib).filter((name) => name.endsWith('-linux-gnu')) as [string];
  const names = readdirSync(join(usrLib, triplet)).filter((name) => needed.test(name));
  const loader = names.find((name) => name.startsWith('ld-linux-')) as string;
  for (const folder of [libraries, dirname(nixNode), dirname(shell), '/bin'])
    mkdirSync(join(root, folder), { recursive: true });
  for (const name of names) copyFileSync(join(usrLib, triplet, name), join(root, libraries, name));
  chmodSync(join(root, libraries, loader), 0o755);
  const patch = (source: string, target: string) => {
    const file = join(root, target);
    copyFileSync(source, file);
    chmodSync(file, 0o755);
    const options = ['--set-interpreter', join(libraries, loader), '--set-rpath', libraries];
    execFileSync(from.patchelf, [...options, file]);
  };
  patch(from.node, nixNode);
  patch(join(from.debian, 'usr/bin/bash'), shell);
  symlinkSync(shell, join(root, 'bin/sh'));
}
