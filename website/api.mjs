// Writes docs/api.md from the docstrings of what the package exports. With --check it only compares.
// typedoc needs TypeScript 6: it has no interface to 7, which the package is built with.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Application } from 'typedoc';

const root = resolve(import.meta.dirname, '..');
const page = join(root, 'docs/api.md');

const modules = [
  {
    name: 'subreaper',
    entry: 'src/index.ts',
    about:
      'Loading `subreaper/register` (`node --import subreaper/register`) calls `register()`; it exports nothing.',
  },
  {
    name: 'subreaper/testing',
    entry: 'src/testing/index.ts',
    about:
      '`subreaper/vitest` is a set-up file that calls `failOnLeaks` with the hooks of vitest; it exports nothing.',
  },
];

const folder = mkdtempSync(join(tmpdir(), 'subreaper-api-'));
try {
  const text = formatted(await render(folder));
  if (!process.argv.includes('--check')) writeFileSync(page, text);
  else if (readFileSync(page, 'utf8') !== text) {
    console.error('docs/api.md is not what the docstrings say; run npm run docs');
    process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true });
}

async function render(folder) {
  const application = await Application.bootstrapWithPlugins({
    entryPoints: modules.map(({ entry }) => join(root, entry)),
    tsconfig: join(root, 'tsconfig.json'),
    outputs: [{ name: 'markdown', path: folder }],
    plugin: ['typedoc-plugin-markdown'],
    logLevel: 'Warn',
    // The compiler of the build checks the types.
    skipErrorChecking: true,
    // Brands of numbers, and a function that takes anything.
    intentionallyNotExported: ['Pid', 'Errno', 'Hook'],
    ...{ readme: 'none', router: 'module', disableSources: true, excludeExternals: true },
    ...{ groupOrder: ['Functions', 'Classes', 'Interfaces', 'Type Aliases'], sort: ['alphabetical'] },
    ...{ hideBreadcrumbs: true, hidePageHeader: true, hidePageTitle: true, hideGroupHeadings: true },
    ...{ parametersFormat: 'table', classPropertiesFormat: 'table', interfacePropertiesFormat: 'table' },
  });
  const project = await application.convert();
  if (project === undefined) throw new Error('typedoc could not read the sources');
  await application.generateOutputs(project);
  const parts = modules.map(({ name, entry, about }) => {
    const file = entry === 'src/index.ts' ? 'index.md' : 'testing.md';
    return `## ${name}\n\n${about}\n\n${onePage(readFileSync(join(folder, file), 'utf8'))}`;
  });
  return `# API

Made from the docstrings of the source (\`npm run docs\`). Times are milliseconds; a \`Pid\` or \`Errno\` is a number. What a
system call refuses is a \`SystemError\`.

${parts.join('\n')}`;
}

/** As the formatter of the repository wants it. */
function formatted(markdown) {
  const biome = join(root, 'node_modules/.bin/biome');
  return execFileSync(biome, ['format', '--stdin-file-path', page], {
    cwd: root,
    input: markdown,
    encoding: 'utf8',
  });
}

/** A module's page as a part of one page: headings one level lower, no rules, no anchors that two modules share. */
function onePage(markdown) {
  return `${markdown
    .replace(/^#/gm, '##')
    .replace(/^\*\*\*\n\n/gm, '')
    .replace(/<a id="[^"]*"><\/a> /g, '')
    .replace(/\[(`[^`]*`)\]\((?:\w+\.md)?#property-[^)]*\)/g, '$1')
    .replace(/\]\((index|testing)\.md#/g, '](#')
    .trim()}\n`;
}
