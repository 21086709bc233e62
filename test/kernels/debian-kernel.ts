import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { must } from '../engine/docker.ts';
import { kernelsFolder } from './parts.ts';

export interface KernelImage {
  readonly file: string;
  /** As the package is called: linux-image-6.1.0-50-cloud-amd64, say. */
  readonly packageName: string;
}

const metaPackage = 'linux-image-cloud-amd64';
/** The packages that hold a kernel file: since Linux 7 that is linux-binary. */
const kernelPackage = /^linux-(image|binary)-\d.*-cloud-amd64$/;

/**
 * Downloads the cloud kernel of a Debian release, from the mirror that this machine's apt uses.
 * @throws Error if the mirror does not have it
 */
export async function fetchKernel(release: string): Promise<KernelImage> {
  const folder = join(kernelsFolder, release);
  const file = join(folder, 'vmlinuz');
  const nameFile = join(folder, 'package');
  if (!existsSync(file)) await download(release, folder, file, nameFile);
  return { file, packageName: readFileSync(nameFile, 'utf8') };
}

async function download(release: string, folder: string, file: string, nameFile: string): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  const apt = await preparePrivateApt(release, join(folder, 'apt'));
  await must('apt-get', [...apt, '-qq', 'update']);
  const dependencies = await must('apt-cache', [...apt, 'depends', '--recurse', '--important', metaPackage]);
  const names = [...new Set(dependencies.split('\n'))].filter((name) => kernelPackage.test(name));
  await must('apt-get', [...apt, '-qq', 'download', ...names], folder);

  const unpacked = join(folder, 'unpacked');
  for (const entry of readdirSync(folder)) {
    if (entry.endsWith('.deb')) await must('dpkg-deb', ['--extract', join(folder, entry), unpacked]);
  }
  writeFileSync(nameFile, names[0] ?? '');
  // Only what is whole gets the name.
  renameSync(findKernel(unpacked), file);
  for (const entry of readdirSync(folder)) {
    if (!['vmlinuz', 'package'].includes(entry)) rmSync(join(folder, entry), { recursive: true });
  }
}

function findKernel(folder: string): string {
  const found = readdirSync(folder, { recursive: true, withFileTypes: true }).find(
    (entry) => entry.isFile() && entry.name.startsWith('vmlinuz'),
  );
  if (found === undefined) throw new Error(`no kernel in the packages: ${folder}`);
  return join(found.parentPath, found.name);
}

/**
 * Sets up apt with folders of its own, so that this machine's package lists stay as they are.
 * @returns the options for apt-get and apt-cache
 */
async function preparePrivateApt(release: string, folder: string): Promise<string[]> {
  for (const each of ['lists/partial', 'cache/archives/partial'])
    mkdirSync(join(folder, each), { recursive: true });
  const sources = join(folder, 'sources.list');
  writeFileSync(sources, `deb ${await debianMirror()} ${release} main\n`);
  return [
    ...['-o', `Dir::Etc::SourceList=${sources}`, '-o', 'Dir::Etc::SourceParts=-'],
    ...['-o', `Dir::State::Lists=${join(folder, 'lists')}`, '-o', 'Dir::State::Status=/dev/null'],
    ...['-o', `Dir::Cache=${join(folder, 'cache')}`, '-o', 'Acquire::Languages=none'],
    // The user that apt downloads as may not enter this folder.
    ...['-o', 'APT::Sandbox::User=root'],
  ];
}

async function debianMirror(): Promise<string> {
  const filter = ['Created-By: Packages', 'Origin: Debian', 'Label: Debian'];
  const mirrors = await must('apt-get', ['indextargets', '--format', '$(REPO_URI)', ...filter]);
  const [mirror] = mirrors.split('\n');
  if (!mirror) throw new Error('apt has no Debian mirror');
  return mirror;
}
