import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
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
  /** Packages to have besides, which npm fetches now: "pnpm@10". */
  readonly fetched?: readonly string[];
}

interface Packed {
  readonly tarball: Buffer;
  /** package.json. */
  readonly manifest: {
    readonly version: string;
    readonly optionalDependencies?: Readonly<Record<string, string>>;
    readonly os?: readonly string[];
  };
}

/**
 * A registry on this machine that has subreaper, packed from the tree, and the packages that are installed here, in their
 * one version: `npm install subreaper` works before the first release, and without a network.
 */
export async function startRegistry({ fetched = [] }: RegistryOptions = {}): Promise<Registry> {
  const packages = new Map<string, Packed>();
  /** Packages for other platforms than this one, with their versions. */
  const elsewhere = new Map<string, string>();
  for (const spec of fetched) packages.set(nameIn(spec), npmPack(spec));

  function find(name: string): Packed | undefined {
    const found = packages.get(name) ?? (name === 'subreaper' ? npmPack(root) : packInstalled(name));
    if (found === undefined) return packForNobody(elsewhere.get(name));
    packages.set(name, found);
    for (const [other, range] of Object.entries(found.manifest.optionalDependencies ?? {}))
      elsewhere.set(other, range.replace(/^\D*/, ''));
    return found;
  }

  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '').slice(1);
    const [, name = path, isTarball] = /^(.*)\/-\/([^/]*\.tgz)$/.exec(path) ?? [];
    const packed = request.method === 'GET' ? find(name) : undefined;
    if (packed === undefined) response.writeHead(404).end('{}');
    else if (isTarball) response.end(packed.tarball);
    else response.end(JSON.stringify(packument(name, packed, `http://${request.headers.host}`)));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function packument(name: string, { tarball, manifest }: Packed, url: string): object {
  const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
  const dist = { tarball: `${url}/${name}/-/${basename(name)}-${manifest.version}.tgz`, integrity };
  return {
    name,
    'dist-tags': { latest: manifest.version },
    versions: { [manifest.version]: { name, ...manifest, devDependencies: undefined, dist } },
  };
}

const nameIn = (spec: string) => spec.replace(/(?<=.)@.*/, '');

/** A package of node_modules. */
function packInstalled(name: string): Packed | undefined {
  const link = join(root, 'node_modules', name);
  if (!/^(@[\w.-]+\/)?[\w.-]+$/.test(name) || !existsSync(join(link, 'package.json'))) return undefined;
  // The tests of arm64 put links there. Of a tarball that is nothing but a link, Yarn 1 looks for the end without end.
  const folder = realpathSync(link);
  // A tarball has one folder, of whatever name.
  const tarball = execFileSync('tar', ['-cz', '-C', dirname(folder), basename(folder)], {
    maxBuffer: 2 ** 28,
  });
  return { tarball, manifest: JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) };
}

/** npm and Yarn want to know even of a package that they will not install. */
function packForNobody(version: string | undefined): Packed | undefined {
  return version === undefined
    ? undefined
    : { tarball: Buffer.alloc(0), manifest: { version, os: ['none'] } };
}

/** What npm packs: a folder, or a package of its registry. */
function npmPack(spec: string): Packed {
  const target = mkdtempSync(join(tmpdir(), 'subreaper-pack-'));
  try {
    // Without scripts: prepack would rebuild the tree while other tests use it.
    const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', target, spec];
    const parsed = JSON.parse(execFileSync('npm', args, { cwd: root, encoding: 'utf8' }));
    const [{ filename }] = (Array.isArray(parsed) ? parsed : Object.values(parsed)) as [{ filename: string }];
    const file = join(target, filename);
    const manifest = execFileSync('tar', ['-xzOf', file, 'package/package.json'], { encoding: 'utf8' });
    return { tarball: readFileSync(file), manifest: JSON.parse(manifest) };
  } finally {
    rmSync(target, { recursive: true });
  }
}
