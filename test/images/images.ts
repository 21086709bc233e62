import type { LayerName } from './layers.ts';
import { nixNode, nixPath } from './nix.ts';

/** A root folder as an image of Node has it, and how a container of it is started. docs/package.md shows the same to readers. */
export interface Image {
  readonly name: string;
  /** What it stands for, and in what it differs. */
  readonly like: string;
  /** The lowest last. */
  readonly layers: readonly LayerName[];
  readonly node: string;
  /** Without a shell to start the launcher, node does. */
  readonly hasShell: boolean;
  /** What such an image has not. */
  readonly lacks: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** What the workload has besides: there is no cat with which the launcher saves the environment. */
  readonly addedByShell?: Readonly<Record<string, string>>;
  /** Its id. Every file of the image is root's. */
  readonly user: number;
  readonly isReadOnly?: true;
  /** All capabilities are dropped, and no_new_privs is set. */
  readonly isConfined?: true;
  /** The version of its node, which subreaper refuses. */
  readonly tooOld?: string;
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

const slim = {
  layers: ['node in /usr/local', 'users', 'programs', 'libraries'],
  node: '/usr/local/bin/node',
  hasShell: true,
  lacks: ['/bin/ps', '/bin/busybox'],
  env: { PATH, HOME: '/root' },
  user: 0,
} as const;

/** A user that the image does not know, as `docker run --user 1000` starts it. */
const homeless = {
  ...slim,
  layers: ['node in /usr/local', 'programs', 'libraries'],
  user: 1000,
  env: { PATH, HOME: '/home/node' },
  lacks: [...slim.lacks, '/home/node', '/etc/passwd'],
} as const;

const described = {
  distroless: {
    name: 'distroless',
    like: 'no shell, no program but /nodejs/bin/node, which is not in PATH; user 65532',
    layers: ['node in /nodejs', 'nonroot', 'libraries'],
    node: '/nodejs/bin/node',
    hasShell: false,
    lacks: ['/bin/sh', '/usr/bin/env', '/usr/bin/cat'],
    env: { PATH, HOME: '/home/nonroot' },
    user: 65532,
  },
  slim: { ...slim, name: 'slim', like: 'Debian 12, node 24 in /usr/local/bin, no ps' },
  'no-home': {
    ...homeless,
    name: 'no-home',
    like: 'slim, with a user 1000 who has no entry in /etc/passwd and no home folder',
  },
  'read-only': {
    ...slim,
    name: 'read-only',
    like: 'slim, with a read-only root and no /tmp',
    lacks: [...slim.lacks, '/tmp'],
    layers: ['node in /usr/local', 'users', 'no /tmp', 'programs', 'libraries'],
    isReadOnly: true,
  },
  confined: {
    ...homeless,
    name: 'confined',
    like: 'no-home and read-only at once, without capabilities, with no_new_privs',
    lacks: [...homeless.lacks, '/tmp'],
    layers: ['node in /usr/local', 'no /tmp', 'programs', 'libraries'],
    isReadOnly: true,
    isConfined: true,
  },
  'bash-as-sh': {
    ...slim,
    name: 'bash-as-sh',
    like: 'slim, with bash as sh, as Red Hat’s UBI has it (in POSIX mode)',
    layers: ['node in /usr/local', 'users', 'bash as sh', 'programs', 'libraries'],
  },
  'mksh-as-sh': {
    ...slim,
    name: 'mksh-as-sh',
    like: 'slim, with mksh as sh',
    layers: ['node in /usr/local', 'users', 'mksh as sh', 'programs', 'libraries'],
  },
  'debian-13': {
    ...slim,
    name: 'debian-13',
    like: 'Debian 13 with its own nodejs 20.19: libnode and libuv are shared libraries',
    layers: ['node of Debian 13'],
    node: '/usr/bin/node',
  },
  'debian-14': {
    ...slim,
    name: 'debian-14',
    like: 'the next Debian (forky) with its own nodejs, 24 or newer, in the same way',
    layers: ['node of Debian 14'],
    node: '/usr/bin/node',
  },
  'debian-12': {
    ...slim,
    name: 'debian-12',
    like: 'Debian 12 with its own nodejs 18.20: too old, as one line says, with status 125',
    layers: ['node of Debian 12'],
    node: '/usr/bin/node',
    tooOld: '18.20',
  },
  nix: {
    name: 'nix',
    like: 'node, its loader and its libraries below /nix/store; no /usr, no /lib64, no cat; /bin/sh',
    layers: ['nix'],
    node: nixNode,
    hasShell: true,
    lacks: ['/usr', '/lib', '/lib64', '/bin/cat', '/etc/passwd'],
    env: { PATH: nixPath, HOME: '/' },
    addedByShell: { PWD: '/app', SHLVL: '0' },
    user: 0,
  },
} as const satisfies Readonly<Record<string, Image>>;

export const images: Readonly<Record<keyof typeof described, Image>> = described;
