// Builds dist/: declarations with tsc, bundles with esbuild. A bundle is one file, since node takes about 0.5 ms of a start
// for each, and it can be read: names and line breaks are those of the source.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';

// Everything that uses dist runs this first, and something may be using it already.
if (isUpToDate()) process.exit();

const { build } = await import('esbuild').catch(() => {
  console.error('subreaper: cannot build, esbuild is not installed; run npm ci first');
  process.exit(1);
});

rmSync('dist', { recursive: true, force: true });
mkdirSync('dist');
// Declarations are CommonJS's; those of the same name with .d.mts pass them on to ES modules.
writeFileSync('dist/package.json', '{ "type": "commonjs" }\n');
// Not by npx, which is a batch file on Windows.
const tsc = 'node_modules/typescript/bin/tsc';
execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { stdio: 'inherit' });
for (const [name, declarations] of [
  ['index', './index.js'],
  ['register', './in-process/register-on-import.js'],
  ['testing', './testing/index.js'],
  ['vitest', './testing/vitest.js'],
]) {
  writeFileSync(`dist/${name}.d.mts`, `export * from '${declarations}';\n`);
}

const common = {
  outdir: 'dist',
  bundle: true,
  platform: 'node',
  target: 'node20',
  external: ['koffi', 'pino', 'signal-exit', 'vitest'],
  logLevel: 'warning',
};

const commonjs = {
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
  define: { 'import.meta.filename': '__filename', 'import.meta.dirname': '__dirname' },
};

await build({
  ...common,
  entryPoints: {
    explanations: 'src/observe/sentences.ts',
    records: 'src/observe/records.ts',
    doctor: 'src/doctor/doctor.ts',
    dialects: 'src/cli/dialects/dialects.ts',
    prepare: 'src/cli/prepare.ts',
    'run-without-reaping': 'src/init/run-without-reaping.ts',
    index: 'src/index.ts',
    register: 'src/in-process/register-on-import.ts',
    testing: 'src/testing/index.ts',
    vitest: 'src/testing/vitest.ts',
    'windows-job': 'src/owner/windows-job.ts',
  },
  ...commonjs,
});

// The program is a function, which bin/subreaper calls: it has node compile it with the code that V8 has kept, or without.
await build({
  ...common,
  entryPoints: { cli: 'src/cli/main.ts' },
  ...commonjs,
  banner: { js: '(function (require, __filename, __dirname, loaded) {' },
  footer: { js: '});' },
});

// What node loads before an app, with --import. An ES module that imports node:fs makes node load fs/promises and its
// streams as well, and one that requires register.cjs makes it load a second file: 6 and 2 ms of a start. So this ES module
// does neither. Where process.getBuiltinModule is missing, register says that node is too old.
await build({
  ...common,
  entryPoints: { register: 'src/in-process/register-on-import.ts' },
  format: 'cjs',
  outExtension: { '.js': '.mjs' },
  define: { 'import.meta.filename': 'thisFile' },
  banner: {
    js: `const require = (name) => process.getBuiltinModule?.(name) ?? {};
const { filename: thisFile } = import.meta;`,
  },
});

await build({
  ...common,
  entryPoints: {
    index: 'src/index.ts',
    testing: 'src/testing/index.ts',
    vitest: 'src/testing/vitest.ts',
  },
  format: 'esm',
  outExtension: { '.js': '.mjs' },
});

/** Whether the last file of a build is newer than all that dist is made of. npm writes its list when it installs. */
function isUpToDate() {
  const modifiedMs = (file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs;
  const built = modifiedMs('dist/vitest.mjs') ?? 0;
  const source = readdirSync('src', { recursive: true }).map((file) => `src/${file}`);
  const others = ['build.mjs', 'package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json'];
  const files = ['src', ...source, ...others, 'node_modules/.package-lock.json'];
  return files.every((file) => (modifiedMs(file) ?? Number.POSITIVE_INFINITY) < built);
}
