// Builds dist/: declarations with tsc, bundles with esbuild. A bundle is one file, since node takes about 0.5 ms of a start
// for each, and it can be read: names and line breaks are those of the source.
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';

rmSync('dist', { recursive: true, force: true });
mkdirSync('dist');
// Declarations are CommonJS's; those of the same name with .d.mts pass them on to ES modules.
writeFileSync('dist/package.json', '{ "type": "commonjs" }\n');
execFileSync('npx', ['tsc', '-p', 'tsconfig.build.json'], { stdio: 'inherit' });
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

await build({
  ...common,
  entryPoints: {
    cli: 'src/cli/main.ts',
    explanations: 'src/explain/sentences.ts',
    records: 'src/init/records.ts',
    doctor: 'src/doctor/doctor.ts',
    dialects: 'src/cli/dialects/dialects.ts',
    index: 'src/index.ts',
    register: 'src/in-process/register-on-import.ts',
    testing: 'src/testing/index.ts',
    vitest: 'src/testing/vitest.ts',
  },
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
  define: { 'import.meta.filename': '__filename', 'import.meta.dirname': '__dirname' },
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
