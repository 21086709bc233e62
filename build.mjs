// Builds dist/: declarations with tsc, CommonJS bundles with esbuild. CommonJS serves `import` and `require` alike on
// every supported Node, and few files are what a start can afford: node takes about 0.5 ms for each.
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
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

/** The library is in one file: what stands beside it requires it. */
const requireTheLibrary = {
  name: 'require-the-library',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\/index\.ts$/ }, () => ({ path: './library.js', external: true }));
  },
};

async function bundle(entry, outfile, plugins) {
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    external: ['koffi', 'pino', 'signal-exit'],
    define: { 'import.meta.filename': '__filename' },
    plugins,
    minify: true,
    logLevel: 'warning',
  });
}

await bundle('src/cli/main.ts', 'dist/cli.cjs', [createRequireIsRequire]);
await bundle('src/index.ts', 'dist/library.js', [createRequireIsRequire]);
await bundle('src/register-on-import.ts', 'dist/register-on-import.js', [requireTheLibrary]);

// What is imported is a small file in front of the library: to learn its names Node 20 and 22 scan an imported CommonJS
// file with a WebAssembly program, which takes 18 ms and 5 MB for the library, and nothing for this.
const names = Object.keys(createRequire(import.meta.url)('./dist/library.js'));
const facade = names.map((name) => `exports.${name} = library.${name};\n`).join('');
writeFileSync('dist/index.js', `'use strict';\nconst library = require('./library.js');\n${facade}`);
