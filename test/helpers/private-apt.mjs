import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Sets up apt for another release, with folders of its own, so that this machine's package lists stay as they are. The mirror
 * is the one that this machine's apt uses.
 * @param {string} release  'trixie', say
 * @param {string} folder  for apt
 * @param {string} [architecture]  'arm64', say; without it this machine's
 * @returns {string[]} the options for apt-get and apt-cache
 * @throws if apt has no Debian mirror
 */
export function preparePrivateApt(release, folder, architecture) {
  for (const each of ['lists/partial', 'cache/archives/partial'])
    mkdirSync(join(folder, each), { recursive: true });
  const sources = join(folder, 'sources.list');
  writeFileSync(sources, `deb ${debianMirror()} ${release} main\n`);
  const foreign = ['-o', `APT::Architecture=${architecture}`, '-o', `APT::Architectures=${architecture}`];
  return [
    ...(architecture === undefined ? [] : foreign),
    ...['-o', `Dir::Etc::SourceList=${sources}`, '-o', 'Dir::Etc::SourceParts=-'],
    ...['-o', `Dir::State::Lists=${join(folder, 'lists')}`, '-o', 'Dir::State::Status=/dev/null'],
    ...['-o', `Dir::Cache=${join(folder, 'cache')}`, '-o', 'Acquire::Languages=none'],
    // The user that apt downloads as may not enter this folder.
    ...['-o', 'APT::Sandbox::User=root'],
  ];
}

function debianMirror() {
  const filter = ['Created-By: Packages', 'Origin: Debian', 'Label: Debian'];
  const args = ['indextargets', '--format', '$(REPO_URI)', ...filter];
  const [mirror] = execFileSync('apt-get', args, { encoding: 'utf8' }).split('\n');
  if (!mirror) throw new Error('apt has no Debian mirror');
  return mirror;
}
