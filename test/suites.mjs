// The suites: for test/suite.mjs, the workflow, and the table of CONTRIBUTING.md.

/**
 * @typedef {object} Suite
 * @property {string} tries  what it tries, in a few words
 * @property {string} time  on two cores
 * @property {string} needs  beyond Linux and what `npm ci` installs
 * @property {readonly string[]} packages  of Debian
 * @property {number} limit  in minutes: after that it hangs, and is ended
 * @property {string} command  for the shell. ALL=1: all cases where a test otherwise has a sample
 * @property {true} [isPart]  another suite has all of it: `npm run suite all` leaves it out
 */

const programs = 'cc, unshare, strace, script';
const basic = ['util-linux', 'bsdutils', 'procps', 'strace', 'gcc', 'libc6-dev'];
const shells = ['bash', 'busybox', 'mksh'];
const compilers = ['musl-tools', 'gcc-aarch64-linux-gnu', 'libc6-dev-arm64-cross'];
const everyday = [...basic, ...shells, ...compilers, 'nginx-light', 'cron', 'mandoc'];
const inits = ['tini', 'dumb-init', 'catatonit', 's6'];
const containers = ['docker.io', 'debootstrap', ...inits];

/** The files of test/integration that have more cases with ALL=1. */
const sampled = [
  'an-app-is-its-own-init',
  'exit-status',
  'floods-of-signals',
  'no-process-outlives-init',
  'prepare',
  'registering',
  'stopping-and-restarting',
  'the-kernel-reaps',
];

/** Those of them that kill owners. */
const owners = ['a-tree-ends-with-its-owner', 'a-tree-on-macos'];

/** @type {Readonly<Record<string, Suite>>} */
export const suites = {
  test: {
    tries: 'unit and integration tests: what `npm test` runs',
    time: '3 minutes',
    needs: programs,
    packages: everyday,
    limit: 25,
    command: 'vitest run --project unit --project integration',
  },
  unit: {
    tries: 'pure functions, generated pages',
    time: 'seconds',
    needs: '',
    packages: everyday,
    limit: 5,
    isPart: true,
    command: 'vitest run --project unit',
  },
  integration: {
    tries: 'what init and an app that loads subreaper do, on the real kernel',
    time: '3 minutes',
    needs: programs,
    packages: everyday,
    limit: 25,
    isPart: true,
    command: 'vitest run --project integration',
  },
  often: {
    tries: 'which tests fail by chance: files (`-- FILE...`) run twenty times',
    time: '2 hours for all',
    needs: programs,
    packages: everyday,
    limit: 600,
    isPart: true,
    command: 'node test/often.mjs',
  },
  whole: {
    tries: 'every exit status, and so on: `npm test` tries a sample',
    time: '2 minutes',
    needs: programs,
    packages: everyday,
    limit: 20,
    command: `ALL=1 vitest run --project integration ${sampled.join(' ')}`,
  },
  owners: {
    tries: '100 owners are killed, each with a tree below',
    time: 'a minute',
    needs: programs,
    packages: basic,
    limit: 15,
    command: `ALL=1 vitest run --project integration ${owners.join(' ')}`,
  },
  documentation: {
    tries: 'every code block of README and docs',
    time: 'a minute',
    needs: '',
    packages: [...basic, ...shells],
    limit: 15,
    command: 'vitest run --project documentation',
  },
  comparison: {
    tries: "every cell of the README's table; the dialects beside the programs themselves",
    time: '2 minutes',
    needs: 'tini, dumb-init, catatonit, npm',
    packages: [...basic, ...shells, ...inits],
    limit: 20,
    command: 'vitest run --project comparison',
  },
  explanations: {
    tries: 'what init says: why a stop is slow, the report, the trace, events',
    time: 'a minute',
    needs: 'cc, unshare, strace',
    packages: [...basic, ...shells],
    limit: 15,
    command: 'vitest run --project explanations',
  },
  exploration: {
    tries: 'every state of the lifecycle; a wrong lifecycle is found',
    time: 'a minute',
    needs: '',
    packages: [],
    limit: 15,
    command: 'vitest run --project exploration',
  },
  examples: {
    tries: 'the examples, and a trace in the developer tools',
    time: 'a minute',
    needs: 'chromium',
    packages: [...basic, 'chromium'],
    limit: 15,
    command: 'vitest run --project examples',
  },
  storms: {
    tries: 'what needs thousands of processes; that `often` finds what fails by chance',
    time: '3 minutes',
    needs: 'cc, unshare, strace',
    packages: basic,
    limit: 30,
    command: 'vitest run --project storms --project wide',
  },
  starters: {
    tries: 'npm, pnpm, Yarn, shells, pm2 and others are stopped, with an app below them',
    time: '2 minutes',
    needs: 'npm, unshare, strace',
    packages: [...basic, ...shells],
    limit: 20,
    command: 'ALL=1 vitest run --project starters',
  },
  faults: {
    tries: 'each system call of init fails once',
    time: 'half an hour',
    needs: 'cc, ptrace(2)',
    packages: basic,
    limit: 90,
    command: 'ALL=1 vitest run --project faults',
  },
  numbers: {
    tries: 'a million orphans, a thousand restarts, 100,000 signals: none lost, nothing grows',
    time: 'minutes',
    needs: 'cc, unshare',
    packages: basic,
    limit: 60,
    command: 'ALL=1 vitest run --project numbers',
  },
  properties: {
    tries: '100,000 random inputs for each parser',
    time: 'minutes',
    needs: '',
    packages: [],
    limit: 60,
    command: 'ALL=1 vitest run --project unit properties recycled-pids',
  },
  engine: {
    tries: 'a Docker Engine of its own; Swarm; musl; the Dockerfiles of the docs',
    time: '7 minutes',
    needs: 'root, docker.io, debootstrap',
    packages: containers,
    limit: 40,
    command: 'vitest run --project engine',
  },
  pods: {
    tries: 'podman plays the manifests',
    time: '3 minutes',
    needs: 'root, podman, docker.io',
    packages: ['podman', 'netavark', ...containers],
    limit: 25,
    command: 'vitest run --project pods',
  },
  kernels: {
    tries: 'Linux 5.10, 6.1, 6.12 and 7.2 in QEMU; 6.1 and 7.2 on arm64 too',
    time: 'minutes each',
    needs: 'root, qemu-system-x86 and -arm, gcc-aarch64-linux-gnu, cpio',
    packages: ['qemu-system-x86', 'qemu-system-arm', 'cpio', ...compilers, ...containers],
    limit: 60,
    command: 'vitest run --project kernels',
  },
  images: {
    tries: "roots as images of Node have them: distroless, read-only, Debian's own node, Nix",
    time: 'a minute',
    needs: 'root, Debian, npm',
    packages: ['debootstrap', 'xz-utils', ...shells],
    limit: 20,
    command: 'vitest run --project images',
  },
  matrix: {
    tries: '`npm test` on Node 20, 22, 24 and 26',
    time: '8 minutes',
    needs: 'npm',
    packages: everyday,
    limit: 60,
    command: 'node test/matrix.mjs',
  },
  musl: {
    tries: 'integration tests and dialects, with all that runs linked to musl, as in Alpine',
    time: '4 minutes a node',
    needs: 'root, Debian, musl-tools, make, xz, npm, pip',
    packages: [...basic, ...inits, 'musl-tools', 'make', 'bzip2', 'xz-utils', 'python3-pip'],
    limit: 90,
    command: 'node test/musl/run.mjs',
  },
  pristine: {
    tries: "the README's two commands on a Debian with node, npm and git alone",
    time: '10 minutes',
    needs: 'root, debootstrap, npm',
    packages: ['debootstrap'],
    limit: 40,
    command: 'node test/pristine/run.mjs',
  },
  'wait-loop': {
    tries: 'how init reaps on a kernel before Linux 6.15, with Node 26',
    time: '3 minutes',
    needs: 'cc, unshare, strace, script, npm',
    packages: everyday,
    limit: 30,
    command: 'node test/wait-loop.mjs',
  },
  arm64: {
    tries: 'an arm64 Node, emulated, with glibc and with musl: a sample (`-- all`)',
    time: 'minutes',
    needs: 'Debian, npm, pip, Linux 6.7',
    packages: [...basic, ...compilers, 'qemu-user', 'python3-pip'],
    limit: 60,
    command: 'node test/arm64.mjs',
  },
  windows: {
    tries: 'owners, killTree and the command line on Windows: in wine, with Node 22 and 20',
    time: '2 minutes',
    needs: 'Debian, x64, npm, unshare',
    packages: ['util-linux', 'xz-utils'],
    limit: 30,
    command: 'node test/windows/run.mjs',
  },
  consumers: {
    tries: 'TypeScript 5.0 to 7, ES modules, CommonJS and a bundler',
    time: 'a minute',
    needs: 'npm',
    packages: [],
    limit: 15,
    command: 'node test/consumers/run.mjs',
  },
  foreign: {
    tries: 'the suites of other packages, with and without `subreaper/register`',
    time: 'minutes',
    needs: 'npm, Debian',
    packages: basic,
    limit: 90,
    command: 'node test/foreign/run.mjs',
  },
  inits: {
    tries: 'the suites of tini and dumb-init, run against subreaper under their names',
    time: 'minutes',
    needs: 'Debian, cc, python3',
    packages: ['gcc', 'libc6-dev', 'python3', 'procps'],
    limit: 30,
    command: 'node test/foreign/inits.mjs',
  },
  load: {
    tries: '20,000 children; the event-loop delay',
    time: 'minutes',
    needs: 'cc, unshare',
    packages: basic,
    limit: 30,
    command: 'node test/load/events.mjs && node test/load/delay.mjs',
  },
  soak: {
    tries: 'floods of signals, hostile trees, restarts (`-- --help`)',
    time: 'as you say',
    needs: 'cc, unshare',
    packages: basic,
    limit: 15,
    command: 'node test/soak/soak.mjs',
  },
  week: {
    tries: 'one init lives through a week of that, at random',
    time: '5 minutes',
    needs: 'cc, unshare',
    packages: basic,
    limit: 20,
    command: 'node test/soak/soak.mjs --only week --seconds 1 --life 300',
  },
  'soak-app': {
    tries: 'an app that is PID 1 reaps 100,000 orphans, and none of its own children',
    time: '2 minutes',
    needs: 'cc, unshare',
    packages: basic,
    limit: 15,
    command: 'node test/soak/in-process/soak.mjs',
  },
  pages: {
    tries: 'the site in build/site: the API page is up to date, every link, a look at each page',
    time: '2 minutes',
    needs: 'npm, chromium',
    packages: ['chromium'],
    limit: 20,
    command: 'npm ci --prefix website --no-audit --no-fund && npm run --silent --prefix website build',
  },
};

/** Where vitest's reports of one suite are. */
export const reports = 'build/report/vitest';

/** The arguments that make vitest write build/report/vitest/NAME.json as well. */
export const reportArguments = (/** @type {string} */ name) => [
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${reports}/${name}.json`,
];
