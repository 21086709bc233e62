import { dirname } from 'node:path';
import type { ByteString } from '../native/types.ts';
import { toBytes } from './byte-strings.ts';

/**
 * pnpm starts a package's program through a shell script, which puts three or four folders in front of NODE_PATH. The
 * program needs none of them, and a workload without subreaper would not have them: they are removed. The first one lies
 * in subreaper's own folder, so nobody but pnpm added it. If the script has other folders (node_modules was copied to
 * another path), NODE_PATH stays as it is.
 * @param packageFolder where subreaper is, without symbolic links
 */
export function withoutPnpmsFolders(
  environment: readonly ByteString[],
  packageFolder: string,
): readonly ByteString[] {
  const beside = dirname(packageFolder);
  const hoisted = `${dirname(dirname(beside))}/node_modules`;
  const always = `${packageFolder}/node_modules:${beside}:${hoisted}`;
  return environment.flatMap((entry) => {
    for (const folders of [always, `${packageFolder}/bin/node_modules:${always}`]) {
      const added = toBytes(`NODE_PATH=${folders}`);
      if (entry === added) return [];
      if (entry.startsWith(`${added}:`)) return [`NODE_PATH=${entry.slice(added.length + 1)}` as ByteString];
    }
    return [entry];
  });
}
