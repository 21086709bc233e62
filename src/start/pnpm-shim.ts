import { dirname } from 'node:path';
import { toBytes } from '../native/byte-strings.ts';
import type { ByteString } from '../native/types.ts';

/**
 * Removes pnpm's folders from NODE_PATH. pnpm starts a package's program through a shell script, which prepends three or
 * four folders. subreaper does not need them, and a workload without subreaper would not have them. The first one is in
 * subreaper's own folder, so only pnpm can have added it. If the script has other folders (node_modules was copied to
 * another path), NODE_PATH stays as it is.
 * @param packageFolder subreaper's folder, without symbolic links
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
