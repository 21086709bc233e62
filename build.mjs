// Builds dist/: declarations with tsc, CommonJS bundles with esbuild. CommonJS serves `import` and `require` alike on
// every supported Node, and few files are what a start can afford: node takes about 0.5 ms for each.
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, resolve } from 'node:path';
import { build } from 'esbuild';

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

async function bundle(entry, outfile, plugins, { format = 'cjs', minify = true } = {}) {
  await build({
    entryPoints: [entry],
    outfile,
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

await bundle('src/cli/main.ts', 'dist/cli.cjs', [createRequireIsRequire]);
await bundle('src/index.ts', 'dist/library.js', [createRequireIsRequire]);
await bundle('src/register-on-import.ts', 'dist/register-on-import.js', [requireTheLibraries]);
const plugins = [createRequireIsRequire, requireTheLibraries];
// Test runners show the lines of code that an error came from.
await bundle('src/testing/index.ts', 'dist/testing-library.js', plugins, { minify: false });
// vitest is there for ESM only.
await bundle('src/testing/vitest.ts', 'dist/vitest.mjs', [requireTheLibraries], { format: 'esm' });

// What is imported is a small file in front of a library: to learn its names Node 20 and 22 scan an imported CommonJS
// file with a WebAssembly program, which takes 18 ms and 5 MB for the library, and nothing for this.
for (const [facade, library] of [
  ['index', 'library'],
  ['testing', 'testing-library'],
]) {
  const names = Object.keys(createRequire(import.meta.url)(`./dist/${library}.js`));
  const lines = names.map((name) => `exports.${name} = library.${name};\n`).join('');
  writeFileSync(`dist/${facade}.js`, `'use strict';\nconst library = require('./${library}.js');\n${lines}`);
}
