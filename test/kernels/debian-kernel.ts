import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { unpackPackages } from '../helpers/debian-packages.mjs';
import type { Kernel } from './kernels.ts';
import { kernelsFolder } from './parts.ts';

export interface KernelImage {
  readonly file: string;
  /** As the package is called: linux-image-6.1.0-50-cloud-amd64, say. */
  readonly packageName: string;
}

/** What belongs to a kernel, downloaded or printed. */
export function kernelFolder({ release, machine }: Kernel): string {
  return join(kernelsFolder, `${release}-${machine.debian}`);
}

/**
 * Downloads the cloud kernel of a Debian release, from the mirror that this machine's apt uses.
 * @throws Error if the mirror does not have it
 */
export async function fetchKernel(kernel: Kernel): Promise<KernelImage> {
  const folder = kernelFolder(kernel);
  const file = join(folder, 'vmlinuz');
  const nameFile = join(folder, 'package');
  if (!existsSync(file)) await download(kernel, folder, file, nameFile);
  return { file, packageName: readFileSync(nameFile, 'utf8') };
}

async function download(
  { release, machine }: Kernel,
  folder: string,
  file: string,
  nameFile: string,
): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const unpacked = join(folder, 'unpacked');
  const debian = { release, architecture: machine.debian };
  const [name = ''] = await unpackPackages(unpacked, debian, {
    of: [`linux-image-cloud-${machine.debian}`],
    // The packages that hold a kernel file: since Linux 7 that is linux-binary.
    matching: new RegExp(`^linux-(image|binary)-\\d.*-cloud-${machine.debian}$`),
  });
  writeFileSync(nameFile, name);
  // Only what is whole gets the name.
  renameSync(findKernel(unpacked), file);
  rmSync(unpacked, { recursive: true });
}

function findKernel(folder: string): string {
  const found = readdirSync(folder, { recursive: true, withFileTypes: true }).find(
    (entry) => entry.isFile() && entry.name.startsWith('vmlinuz'),
  );
  if (found === undefined) throw new Error(`no kernel in the packages: ${folder}`);
  return join(found.parentPath, found.name);
}
