// Runs the own test suites of dumb-init and tini against subreaper under their names, unmodified.
// Usage: node test/foreign/inits.mjs [--installed]    (needs apt, cc and Debian's python3)
// With --installed: against the programs that are installed, to see what the suites say of those.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { run, unpackSource } from './debian.mjs';
import { initSources } from './init-sources.mjs';

const root = resolve(import.meta.dirname, '../..');
const launcher = resolve(root, 'bin/subreaper');
const folder = resolve(root, 'build/foreign-inits');
const python = '/usr/bin/python3';
const modules = resolve(folder, 'modules');
const { values } = parseArgs({ options: { installed: { type: 'boolean', default: false } } });
/** What the suites find the programs in. */
const programs = resolve(folder, values.installed ? 'installed' : 'subreaper');

const suites = ['dumb-init', 'tini'];

/** The packages of the Python modules that they import. */
const needed = 'pytest py psutil prctl attr iniconfig pluggy packaging'
  .split(' ')
  .map((name) => `python3-${name}`);

/** What tini's suite uses of PyPI's bitmap, which Debian does not have. */
const bitmap = `class BitMap:
    def __init__(self, bits):
        self.bits = bits

    @staticmethod
    def fromstring(text):
        return BitMap(text[::-1])

    def nonzero(self):
        return [index for index, bit in enumerate(self.bits) if bit == "1"]
`;

install();
const path = `${programs}:${process.env.PATH}`;
const environment = { ...process.env, PATH: path, PYTHONPATH: `${modules}/usr/lib/python3/dist-packages` };
const statuses = [
  runSuite('dumb-init', ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', 'tests'], {}),
  runSuite('tini', ['test/run_inner_tests.py'], {
    SOURCE_DIR: resolve(folder, 'tini'),
    BUILD_DIR: programs,
    FORCE_SUBREAPER: '1',
  }),
];
process.exitCode = statuses.every((status) => status === 0) ? 0 : 1;

/** Does nothing if they are installed. Remove build/foreign-inits after a change. */
function install() {
  if (!existsSync(folder)) {
    for (const name of suites) {
      mkdirSync(resolve(folder, name), { recursive: true });
      unpackSource(initSources[name], resolve(folder, name));
    }
    mkdirSync(modules);
    run('apt-get', ['-qq', '-o', 'APT::Sandbox::User=root', 'download', ...needed], modules);
    for (const file of readdirSync(modules)) run('dpkg-deb', ['--extract', file, '.'], modules);
    writeFileSync(resolve(modules, 'usr/lib/python3/dist-packages/bitmap.py'), bitmap);
  }
  if (existsSync(programs)) return;
  mkdirSync(programs);
  for (const name of suites) {
    const program = values.installed ? `/usr/bin/${name}` : launcher;
    symlinkSync(program, resolve(programs, name));
  }
  for (const name of ['python', 'python3']) symlinkSync(python, resolve(programs, name));
  const source = resolve(folder, 'tini/test/sigconf/sigconf-test.c');
  run('cc', ['-w', '-o', resolve(programs, 'sigconf-test'), source], folder);
}

/**
 * In a session of its own, without a terminal. Orphans come to subreaper: dumb-init's test_setsid_signals_entire_group
 * counts zombies as alive, and waits 1.5 s for somebody else to reap them. A PID 1 that takes 2 s, as that of some
 * sandboxes does, fails it with the real dumb-init too, once in four runs.
 * @returns {number | null} its exit status
 */
function runSuite(name, args, variables) {
  console.log(`\n${name}, ${values.installed ? 'as it is installed' : 'which is subreaper'}:`);
  const { status } = spawnSync(launcher, ['--', 'setsid', '--wait', python, ...args], {
    cwd: resolve(folder, name),
    env: { ...environment, ...variables },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return status;
}
