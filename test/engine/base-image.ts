import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { docker, isInstalled, must, mustDocker, run } from './docker.ts';
import { engineFolder } from './engine.ts';

/** A label that marks a stand-in and its recipe: only a stand-in is made again. */
const standInLabel = 'subreaper.stand-in';
const recipe = '1';

/** The registry answers soon or not at all. The download itself may take longer. */
const pullLimit = ['timeout', '--kill-after=5', '180', 'docker', 'pull', '--quiet'] as const;

export function baseImage(version: string): string {
  return `node:${version}-bookworm-slim`;
}

/**
 * Makes sure that the engine has node's image: present, pulled, or a stand-in of Debian and npm packages.
 * @returns the reason if it cannot
 */
export async function provideBaseImage(version: string): Promise<string | undefined> {
  const image = baseImage(version);
  const label = await docker(
    'inspect',
    '--type=image',
    '-f',
    `{{index .Config.Labels "${standInLabel}"}}`,
    image,
  );
  const isPulled = label.code === 0 && label.stdout.trim() === '';
  if (isPulled || label.stdout.trim() === recipe) return undefined;
  const [file, ...args] = [...pullLimit, image];
  if ((await run(file, args)).code === 0) return undefined;
  if (!(await isInstalled('debootstrap')))
    return `no ${image}, no registry, and no debootstrap for a stand-in`;
  await importStandIn(version, image);
  return undefined;
}

async function importStandIn(version: string, image: string): Promise<void> {
  const debian = await bootstrapDebian();
  const node = await installNode(version);
  console.log(`importing a stand-in for ${image}`);
  const folder = mkdtempSync(join(engineFolder, 'stand-in-'));
  const tar = join(folder, 'root.tar');
  // docker import refuses duplicate paths, so this adds only the folders that Debian lacks.
  const added = ['./usr/local/bin/node', './usr/local/bin/npm', './usr/local/lib/node_modules'];
  await must('tar', ['-c', '-f', tar, '-C', debian, '.', '-C', node, ...added]);
  const changes = [
    `LABEL ${standInLabel}=${recipe}`,
    'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    'CMD ["node"]',
  ];
  await mustDocker('import', ...changes.flatMap((change) => ['--change', change]), tar, image);
  rmSync(folder, { recursive: true });
}

/** Debian as the base of node's image, with its user 1000. @returns its root folder */
async function bootstrapDebian(): Promise<string> {
  const folder = join(engineFolder, `debian-${recipe}`);
  if (existsSync(folder)) return folder;
  // The folder gets its name once it is complete.
  const unfinished = `${folder}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  console.log('debootstrap: some 30 s, once');
  // Node 26 is linked with libatomic.
  const packages = 'procps,util-linux,ca-certificates,libatomic1';
  await must('debootstrap', ['--variant=minbase', `--include=${packages}`, 'bookworm', unfinished]);
  await must('chroot', [unfinished, 'useradd', '--create-home', '--uid', '1000', 'node']);
  for (const cache of ['var/cache/apt', 'var/lib/apt/lists'])
    for (const entry of readdirSync(join(unfinished, cache)))
      rmSync(join(unfinished, cache, entry), { recursive: true });
  renameSync(unfinished, folder);
  return folder;
}

/** node from its npm package, and npm, as node's image has them. @returns a root folder with nothing else */
async function installNode(version: string): Promise<string> {
  const folder = join(engineFolder, `node-${version}`);
  if (existsSync(folder)) return folder;
  const unfinished = `${folder}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(join(unfinished, 'packages'), { recursive: true });
  // Without a package.json here npm would install into the project.
  writeFileSync(join(unfinished, 'packages/package.json'), '{}');
  const node = `node-linux-${process.arch}`;
  const quiet = ['--no-audit', '--no-fund', '--no-save'];
  await must('npm', ['install', ...quiet, `${node}@${version}`, 'npm@11'], join(unfinished, 'packages'));
  const local = join(unfinished, 'usr/local');
  mkdirSync(join(local, 'bin'), { recursive: true });
  mkdirSync(join(local, 'lib/node_modules'), { recursive: true });
  renameSync(join(unfinished, 'packages/node_modules', node, 'bin/node'), join(local, 'bin/node'));
  renameSync(join(unfinished, 'packages/node_modules/npm'), join(local, 'lib/node_modules/npm'));
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(local, 'bin/npm'));
  rmSync(join(unfinished, 'packages'), { recursive: true });
  renameSync(unfinished, folder);
  return folder;
}
