// The suites: for test/suite.mjs, and for the table of CONTRIBUTING.md.

/**
 * @typedef {object} Suite
 * @property {string} tries  what it tries, in a few words
 * @property {string} time  on two cores
 * @property {string} needs  beyond Linux and what `npm ci` installs
 * @property {string} command  for the shell. ALL=1: all cases where a test otherwise has a sample
 */

const programs = 'cc, unshare, strace, script';

/** Without a Docker Engine, podman, QEMU and other roots. Not what the suite has not: of two negations, vitest takes either. */
const everyday = [
  ...['unit', 'integration', 'explanations', 'documentation', 'comparison', 'faults', 'starters'],
  ...['examples', 'numbers', 'wide', 'storms', 'exploration'],
];

/** The files of test/integration that have more cases with ALL=1. */
const sampled = [
  'a-tree-ends-with-its-owner',
  'a-tree-on-macos',
  'an-app-is-its-own-init',
  'exit-status',
  'floods-of-signals',
  'no-process-outlives-init',
  'prepare',
  'registering',
  'stopping-and-restarting',
  'the-kernel-reaps',
];

/** @type {Readonly<Record<string, Suite>>} */
export const suites = {
  test: {
    tries: 'unit and integration tests: what `npm test` runs',
    time: '2 minutes',
    needs: programs,
    command: 'vitest run --project unit --project integration',
  },
  unit: {
    tries: 'pure functions, generated pages',
    time: 'seconds',
    needs: '',
    command: 'vitest run --project unit',
  },
  integration: {
    tries: 'what init and an app that loads subreaper do, on the real kernel',
    time: '2 minutes',
    needs: programs,
    command: 'vitest run --project integration',
  },
  whole: {
    tries: 'every exit status, 100 killed owners and so on: `npm test` tries a sample',
    time: '2 minutes',
    needs: programs,
    command: `ALL=1 vitest run --project integration ${sampled.join(' ')}`,
  },
  documentation: {
    tries: 'every code block of README and docs',
    time: 'a minute',
    needs: '',
    command: 'vitest run --project documentation',
  },
  comparison: {
    tries: "every cell of the README's table; the dialects beside the programs themselves",
    time: '2 minutes',
    needs: 'tini, dumb-init, catatonit, npm',
    command: 'vitest run --project comparison',
  },
  explanations: {
    tries: 'what init says: why a stop is slow, the report, the trace, events',
    time: 'a minute',
    needs: 'cc, unshare, strace',
    command: 'vitest run --project explanations',
  },
  exploration: {
    tries: 'every state of the lifecycle; a wrong lifecycle is found',
    time: 'a minute',
    needs: '',
    command: 'vitest run --project exploration',
  },
  examples: {
    tries: 'the examples, and a trace in the developer tools',
    time: 'a minute',
    needs: 'chromium',
    command: 'vitest run --project examples',
  },
  storms: {
    tries: 'what needs thousands of processes',
    time: 'a minute',
    needs: 'cc, unshare, strace',
    command: 'vitest run --project storms --project wide',
  },
  starters: {
    tries: 'npm, pnpm, Yarn, shells, pm2 and others are stopped, with an app below them',
    time: '2 minutes',
    needs: 'npm, unshare, strace',
    command: 'ALL=1 vitest run --project starters',
  },
  faults: {
    tries: 'each system call of init fails once',
    time: 'half an hour',
    needs: 'cc, ptrace(2)',
    command: 'ALL=1 vitest run --project faults',
  },
  numbers: {
    tries: 'a million orphans, a thousand restarts, 100,000 signals: none lost, nothing grows',
    time: 'minutes',
    needs: 'cc, unshare',
    command: 'ALL=1 vitest run --project numbers',
  },
  properties: {
    tries: '100,000 random inputs for each parser',
    time: 'minutes',
    needs: '',
    command: 'ALL=1 vitest run --project unit properties recycled-pids',
  },
  all: {
    tries: 'all projects of vitest but the next four, with samples',
    time: '8 minutes',
    needs: 'all of the above',
    command: `vitest run ${everyday.map((name) => `--project ${name}`).join(' ')}`,
  },
  engine: {
    tries: 'a Docker Engine of its own; Swarm; musl; the Dockerfiles of the docs',
    time: '7 minutes',
    needs: 'root, docker.io, debootstrap',
    command: 'vitest run --project engine',
  },
  pods: {
    tries: 'podman plays the manifests',
    time: '3 minutes',
    needs: 'root, podman, docker.io',
    command: 'vitest run --project pods',
  },
  kernels: {
    tries: 'Linux 5.10, 6.1, 6.12 and 7.2 in QEMU; 6.1 and 7.2 on arm64 too',
    time: 'minutes each',
    needs: 'root, qemu-system-x86 and -arm, gcc-aarch64-linux-gnu, cpio',
    command: 'vitest run --project kernels',
  },
  images: {
    tries: "roots as images of Node have them: distroless, read-only, Debian's own node, Nix",
    time: 'a minute',
    needs: 'root, Debian, npm',
    command: 'vitest run --project images',
  },
  matrix: {
    tries: '`npm test` on Node 20, 22, 24 and 26',
    time: '8 minutes',
    needs: 'npm',
    command: 'node test/matrix.mjs',
  },
  musl: {
    tries: 'integration tests and dialects, with all that runs linked to musl, as in Alpine',
    time: '4 minutes a node',
    needs: 'root, Debian, musl-tools, make, xz, npm, pip',
    command: 'node test/musl/run.mjs',
  },
  pristine: {
    tries: "the README's two commands on a Debian with node, npm and git alone",
    time: '10 minutes',
    needs: 'root, debootstrap, npm',
    command: 'node test/pristine/run.mjs',
  },
  'wait-loop': {
    tries: 'how init reaps on a kernel before Linux 6.15',
    time: '3 minutes',
    needs: programs,
    command: 'node test/wait-loop.mjs',
  },
  arm64: {
    tries: 'an arm64 Node, emulated, with glibc and with musl: a sample (`-- all`)',
    time: 'minutes',
    needs: 'Debian, npm, pip, Linux 6.7',
    command: 'node test/arm64.mjs',
  },
  windows: {
    tries: 'owners, killTree and the command line on Windows: in wine, with Node 22 and 20',
    time: '2 minutes',
    needs: 'Debian, x64, npm, unshare',
    command: 'node test/windows/run.mjs',
  },
  consumers: {
    tries: 'TypeScript 5.0 to 7, ES modules, CommonJS and a bundler',
    time: 'a minute',
    needs: 'npm',
    command: 'node test/consumers/run.mjs',
  },
  foreign: {
    tries: 'the suites of other packages, with and without `subreaper/register`',
    time: 'minutes',
    needs: 'npm, Debian',
    command: 'node test/foreign/run.mjs',
  },
  inits: {
    tries: 'the suites of tini and dumb-init, run against subreaper under their names',
    time: 'minutes',
    needs: 'Debian, cc, python3',
    command: 'node test/foreign/inits.mjs',
  },
  load: {
    tries: '20,000 children; the event-loop delay',
    time: 'minutes',
    needs: 'cc, unshare',
    command: 'node test/load/events.mjs && node test/load/delay.mjs',
  },
  soak: {
    tries: 'floods of signals, hostile trees, restarts (`-- --help`)',
    time: 'as you say',
    needs: 'cc, unshare',
    command: 'node test/soak/soak.mjs',
  },
  week: {
    tries: 'one init lives through a week of that, at random',
    time: '5 minutes',
    needs: 'cc, unshare',
    command: 'node test/soak/soak.mjs --only week --seconds 1 --life 300',
  },
  'soak-app': {
    tries: 'an app that is PID 1 reaps 100,000 orphans, and none of its own children',
    time: '2 minutes',
    needs: 'cc, unshare',
    command: 'node test/soak/in-process/soak.mjs',
  },
  site: {
    tries: 'the site in build/site: the API page is up to date, every link, a look at each page',
    time: '2 minutes',
    needs: 'npm, chromium',
    command: 'npm ci --prefix website --no-audit --no-fund && npm run --silent --prefix website build',
  },
};

/** The arguments that make vitest write build/report/NAME.json as well. */
export const reportArguments = (/** @type {string} */ name) => [
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=build/report/${name}.json`,
];
