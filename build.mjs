// Builds dist/: declarations with tsc, CommonJS bundles with esbuild. CommonJS serves `import` and `require` alike on
// every supported Node, and few files are what a start can afford: node takes about 0.5 ms for each.
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, relative, resolve } from 'node:path';
import { build } from 'esbuild';
import { compileAtOnce } from './compile-at-once.mjs';

rmSync('dist', { recursive: true, force: true });
mkdirSync('dist');
// The package is ESM; what is built is not, and TypeScript reads from here that the declarations are not either.
writeFileSync('dist/package.json', '{ "type": "commonjs" }\n');
execFileSync('npx', ['tsc', '-p', 'tsconfig.build.json'], { stdio: 'inherit' });

/** In CommonJS `require` is there: loading node:module to make one takes 0.1 to 0.4 ms of a start. */
const createRequireIsRequire = {
  name: 'create-require-is-require',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:module$/ }, ({ path }) => ({ path, namespace: 'shim' }));
    onLoad({ filter: /./, namespace: 'shim' }, () => ({
      contents: 'export const createRequire = () => require;',
    }));
  },
};

/** Each library is in one file: what stands beside it requires that. */
const requireTheLibraries = {
  name: 'require-the-libraries',
  setup({ onResolve }) {
    onResolve({ filter: /\/index\.ts$/ }, ({ path, resolveDir, kind }) => {
      if (kind === 'entry-point') return undefined;
      const folder = basename(dirname(resolve(resolveDir, path)));
      return { path: folder === 'testing' ? './testing.js' : './library.js', external: true };
    });
  },
};

/** @param entry  a file, or the lines of a module */
async function bundle(entry, outfile, plugins, { format = 'cjs', minify = true, write = true } = {}) {
  return build({
    ...(Array.isArray(entry)
      ? { stdin: { contents: entry.join('\n'), resolveDir: import.meta.dirname } }
      : { entryPoints: [entry] }),
    outfile,
    write,
    metafile: true,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format,
    external: ['koffi', 'pino', 'signal-exit', 'vitest'],
    define: format === 'cjs' ? { 'import.meta.filename': '__filename' } : {},
    plugins,
    minify,
    logLevel: 'warning',
  });
}

/**
 * For each built-in module that is imported node makes a module record with all of its names: 0.1 ms. And in what a
 * bundler makes CommonJS of, import.meta is empty.
 */
function forImport(code) {
  const text = code.replaceAll(
    /import\{([^}]*)\}from"(node:[^"]*)";/g,
    (_, names, module) => `const{${names.replaceAll(' as ', ':')}}=process.getBuiltinModule("${module}");`,
  );
  if (/(^|;)import[^.(]/.test(text))
    throw new Error('build.mjs knows imports by name only, of built-in modules');
  return `const thisFile=import.meta.filename??__filename;${text.replaceAll('import.meta.filename', 'thisFile')}`;
}

// The command line is in two files: what every start needs, and what it needs later or never: V8 takes 1.2 ms to
// look through the whole.
const laterModules = [
  'src/cli/command-line.ts',
  'src/cli/help.ts',
  'src/init/pnpm-shim.ts',
  'src/init/run-without-reaping.ts',
  'src/init/socket-activation.ts',
  'src/init/start-otherwise.ts',
  'src/init/supervise.ts',
  'src/log/record-writer.ts',
];
const first = await bundle('src/cli/main.ts', 'dist/cli.cjs', [createRequireIsRequire], { write: false });
const firstModules = new Set(Object.keys(first.metafile.inputs));
// Numbers: they are taken over where they are used.
for (const numbers of ['constants', 'layouts']) firstModules.delete(`src/native/${numbers}.ts`);

/** What both need is in the first one, where its state and its classes are there once: the second asks for it there. */
const takeFromTheFirst = (nameOf) => ({
  name: 'take-from-the-first',
  setup({ onResolve }) {
    onResolve({ filter: /\.ts$/ }, ({ path, resolveDir, kind }) => {
      const module = relative(import.meta.dirname, resolve(resolveDir, path));
      if (kind === 'entry-point' || !firstModules.has(module)) return undefined;
      return { path: nameOf(module), external: true };
    });
  },
});
const exportLater = laterModules.map((module) => `export * from './${module}';`);
const imports = await bundle(
  exportLater,
  'dist/later.cjs',
  [takeFromTheFirst((module) => module), createRequireIsRequire],
  { format: 'esm', minify: false, write: false },
);
// From `import { a, b as b2 } from "src/…"`, whatever is imported more than once: where each name comes from.
const shared = new Map();
for (const [line, names, module] of imports.outputFiles[0].text.matchAll(
  /^import (?:\{([^}]*)\}|.*) from "(src\/[^"]*)";/gm,
)) {
  if (names === undefined) throw new Error(`build.mjs knows imports by name only: ${line}`);
  for (const item of names.split(',')) shared.set(item.trim().split(' ')[0], module);
}
const exportShared = [...shared].map(([name, module]) => `export { ${name} } from './${module}';`);
await bundle([...exportShared, "import './src/cli/main.ts';"], 'dist/cli.cjs', [createRequireIsRequire]);
const later = await bundle(
  exportLater,
  'dist/later.cjs',
  [takeFromTheFirst(() => './cli.cjs'), createRequireIsRequire],
  { write: false },
);
// esbuild asks once for each module that asks: 40 times, and V8 compiles for that what an idle init has no use for.
const [{ text }] = later.outputFiles;
writeFileSync(
  'dist/later.cjs',
  `const theFirst=require("./cli.cjs");${text.replaceAll('require("./cli.cjs")', 'theFirst')}`,
);
compileAtOnce('dist/cli.cjs', "process.argv.splice(1, 0, ''); require('./dist/cli.cjs')", ['true']);

await bundle('src/index.ts', 'dist/library.js', [createRequireIsRequire]);
// Alone, and not in the library: each file more is 0.5 ms of an app's start. Once for each kind of module: an imported
// CommonJS file is scanned for its names, for 0.5 ms and more.
await bundle('src/register-on-import.ts', 'dist/register.js', [createRequireIsRequire]);
const imported = await bundle('src/register-on-import.ts', 'dist/register.mjs', [], {
  format: 'esm',
  write: false,
});
writeFileSync('dist/register.mjs', forImport(imported.outputFiles[0].text));
compileAtOnce('dist/register.js', "require('./dist/register.js')");
compileAtOnce('dist/register.mjs', "await import('./dist/register.mjs')");
const plugins = [createRequireIsRequire, requireTheLibraries];
// Test runners show the lines of code that an error came from.
await bundle('src/testing/index.ts', 'dist/testing-library.js', plugins, { minify: false });
// vitest is there for ESM only.
await bundle('src/testing/vitest.ts', 'dist/vitest.mjs', [requireTheLibraries], { format: 'esm' });

// What is imported is a small file in front of a library: to learn its names node scans an imported CommonJS file, 20
// and 22 with a WebAssembly program that takes 18 ms and 5 MB for the library, and nothing for this.
for (const [facade, library] of [
  ['index', 'library'],
  ['testing', 'testing-library'],
]) {
  const names = Object.keys(createRequire(import.meta.url)(`./dist/${library}.js`));
  const lines = names.map((name) => `exports.${name} = library.${name};\n`).join('');
  writeFileSync(`dist/${facade}.js`, `'use strict';\nconst library = require('./${library}.js');\n${lines}`);
}
