import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import {
  ofDialects,
  ofNode,
  ofServiceManagers,
  ofSubreaper,
  ofTheLinker,
  ofTheShell,
  type Row,
  tables,
} from '../helpers/environment-variables.ts';
import { markdownTable } from '../helpers/markdown-table.ts';

test('the launcher hides the variables that the table says are hidden, and no other', () => {
  const launcher = readFileSync(resolve(import.meta.dirname, '../../bin/subreaper'), 'utf8');
  const hidden = [...launcher.matchAll(/\$\{(\w+)\+\1\}/g)].map(([, name]) => name);
  const listed = tables.filter(({ outcome }) => outcome === 'hidden').flatMap(({ names }) => names);
  expect(hidden.sort()).toEqual(listed.sort());
});

test('the table of subreaper’s own variables has all that its code names', () => {
  const root = resolve(import.meta.dirname, '../..');
  const sources = readdirSync(resolve(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => `src/${file}`);
  const named = ['bin/subreaper', ...sources].flatMap(
    (file) => readFileSync(resolve(root, file), 'utf8').match(/\bSUBREAPER_[A-Z0-9_]+/g) ?? [],
  );
  const names = named.map((name) => name.replace(/^SUBREAPER_SAVED_.*/, 'SUBREAPER_SAVED_NAME'));
  const listed = ofSubreaper.flatMap((row) => row.names);
  expect([...new Set(names)].sort()).toEqual(listed.toSorted());
});

test('docs/environment.md has the table of the tests (update it with: npm run docs)', async () => {
  const table = (rows: readonly Row[]) =>
    markdownTable(
      ['variable', 'what it would do', 'what becomes of it'],
      ...rows.map(({ names, effect, outcome, why }) => [
        names.map((name) => `\`${name}\``).join(', '),
        effect,
        why === undefined ? outcome : `${outcome}: ${why}`,
      ]),
    );
  const text = `# The environment

The workload gets init's environment, byte for byte, without [subreaper's own variables](#subreaper). But init itself is a
shell script that becomes a Node program, and both read some variables. These tables say what each of them would do to init, and what
becomes of it.

- **hidden**: the launcher renames it before it starts Node, so Node does not act on it.
- **idle**: it reaches init, and does nothing there.
- **acts**: it acts on init. Whoever sets the environment is trusted with that ([security](../SECURITY.md)).

\`test/integration/environment-variables.test.ts\` sets each of them, and all that do not act at once, under dash, bash and
busybox: the workload must get them unchanged, init must write nothing, and Node must not see them if they are hidden. Another
test records which variables Node asks the C library for: all of them are here.

In an image without a shell (\`node bin/subreaper\`), nothing is hidden.

## node

V8, libuv, OpenSSL and ICU included, for node 20 to 26.

${table(ofNode)}

## The shell

With bash as \`sh\`, an exported function (\`BASH_FUNC_read%%\`) replaces a command of the launcher. \`BASH_ENV\` names a
script that bash runs first, but not as \`sh\`. \`PS4\` has bash run commands if \`SHELLOPTS\` contains xtrace, but not as
root. No script can prevent these, as no program can prevent LD_PRELOAD: whoever sets them needs the same trust as whoever sets
PATH.

${table(ofTheShell)}

## The dynamic linker and the C library

\`LD_DEBUG\`, \`LD_TRACE_LOADED_OBJECTS\`, \`LD_SHOW_AUXV\` and \`LD_PROFILE\` print or write in every program, the launcher's
shell first; with the second one no program runs.

${table(ofTheLinker)}

## Service managers

${table(ofServiceManagers)}

## subreaper

${markdownTable(
  ['variable', 'what it is', 'what becomes of it', 'for the workload'],
  ...ofSubreaper.map(({ names, effect, outcome, why, isPassedOn }) => [
    names.map((name) => `\`${name}\``).join(', '),
    effect,
    `${outcome}: ${why}`,
    isPassedOn ? 'unchanged' : 'removed',
  ]),
)}

## Other programs

Called by another program's name, subreaper reads that program's variables ([dialects](dialects.md)). It also reads
\`POSIXLY_CORRECT\` then, as getopt(3) does.

${table(ofDialects)}
`;
  await expect(text).toMatchFileSnapshot('../../docs/environment.md');
});
