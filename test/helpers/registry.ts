import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { root } from './documentation.ts';

export interface Registry {
  readonly url: string;
  close(): void;
}

interface RegistryOptions {
  readonly host?: string;
  readonly port?: number;
  /** Where to send a client for a package that is not here. Default: it is told that there is none. */
  readonly upstream?: string;
}

/**
 * A registry on this machine that has subreaper, packed from the tree, and the packages that are installed here, in their
 * one version: `npm install subreaper` works before the first release, and without a network.
 */
export async function startRegistry(options: RegistryOptions = {}): Promise<Registry> {
  const { host = '127.0.0.1', port = 0, upstream } = options;
  const tarballs = new Map<string, Buffer>();
  const tarballOf = (name: string) => {
    const tarball = tarballs.get(name) ?? pack(name);
    tarballs.set(name, tarball);
    return tarball;
  };

  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '').slice(1);
    const [, name = path, isTarball] = /^(.*)\/-\/([^/]*\.tgz)$/.exec(path) ?? [];
    if (request.method !== 'GET' || !isHere(name)) {
      if (upstream === undefined) response.writeHead(404).end('{}');
      else response.writeHead(302, { location: new URL(request.url ?? '', upstream).href }).end();
      return;
    }
    const tarball = tarballOf(name);
    if (isTarball) response.end(tarball);
    else response.end(JSON.stringify(packument(name, tarball, `http://${request.headers.host}`)));
  });
  await new Promise<void>((done) => server.listen(port, host, done));
  const { port: actual } = server.address() as AddressInfo;
  return {
    url: `http://${host}:${actual}/`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

const folderOf = (name: string) => (name === 'subreaper' ? root : join(root, 'node_modules', name));

function isHere(name: string): boolean {
  return /^(@[\w.-]+\/)?[\w.-]+$/.test(name) && existsSync(join(folderOf(name), 'package.json'));
}

function packument(name: string, tarball: Buffer, url: string): object {
  const manifest = JSON.parse(readFileSync(join(folderOf(name), 'package.json'), 'utf8'));
  const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
  const dist = { tarball: `${url}/${name}/-/${basename(name)}-${manifest.version}.tgz`, integrity };
  return {
    name,
    'dist-tags': { latest: manifest.version },
    versions: { [manifest.version]: { ...manifest, devDependencies: undefined, dist } },
  };
}

function pack(name: string): Buffer {
  const folder = folderOf(name);
  // A tarball has one folder, of whatever name.
  if (folder !== root)
    return execFileSync('tar', ['-cz', '-C', dirname(folder), basename(folder)], { maxBuffer: 2 ** 28 });
  const target = mkdtempSync(join(tmpdir(), 'subreaper-pack-'));
  try {
    // Without scripts: prepack would rebuild the tree while other tests use it.
    const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', target];
    const parsed = JSON.parse(execFileSync('npm', args, { cwd: root, encoding: 'utf8' }));
    const [packed] = Array.isArray(parsed) ? parsed : Object.values(parsed);
    return readFileSync(join(target, (packed as { filename: string }).filename));
  } finally {
    rmSync(target, { recursive: true });
  }
}
