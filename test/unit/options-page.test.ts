import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { options } from '../../src/cli/options.ts';
import { markdownTable } from '../helpers/markdown-table.ts';

/** The page that says more about an option. */
const pages: Readonly<Record<string, string>> = {
  '--scope': 'signals.md',
  '--rewrite': 'signals.md',
  '--grace': 'stopping.md',
  '--until': 'stopping.md',
  '--stop-timeout': 'stopping.md',
  '--stop-delay': 'stopping.md',
  '--restart': 'stopping.md',
  '--pause': 'in-a-container.md',
  '--until-owner': 'owners.md',
  '--until-stdin-closes': 'owners.md',
  '--termination-log': 'why.md',
  '--report': 'why.md',
  '--trace': 'trace.md',
  '--log-level': 'events.md',
  '--log-format': 'events.md',
  '--dialect': 'dialects.md',
};

test('docs/options.md has the option table of the parser (update it with: npm run docs)', async () => {
  const rows = options.map((option) => {
    const names = [option.short, option.long].filter((name) => name !== undefined).join(', ');
    const page = pages[option.long ?? ''];
    return [
      `\`${names}${option.value === undefined ? '' : ` ${option.value.replaceAll('|', '\\|')}`}\``,
      option.help.replaceAll('|', '\\|'),
      page === undefined ? '' : `[${page.replace('.md', '')}](${page})`,
    ];
  });
  const text = `# Options and exit status

\`subreaper [options] [--] command [arguments]\`. Options end at the first operand or at \`--\`. Write signals as \`SIGTERM\`,
\`TERM\`, \`15\` or \`RTMIN+3\`. Write durations as \`500ms\`, \`10s\` or \`2m\`; a bare number is seconds. Stop signals are TERM, INT
and QUIT, after rewriting.

${markdownTable(['option', 'meaning', 'more'], ...rows)}

\`subreaper doctor [--json] [[--] command]\` reports what the container offers an init, and does not run the command
([doctor](doctor.md)).

\`subreaper prepare\` is for the build of an image: it makes the starts in its containers faster
([in a container](in-a-container.md#a-prepared-start)).

The environment variable \`SUBREAPER_OPTIONS\` holds options, separated by white space. subreaper reads it before its
arguments, so arguments win. With it you change an image's options without a new ENTRYPOINT. The command does not get the
variable.

\`\`\`sh
SUBREAPER_OPTIONS='--grace 500ms --stop-timeout 5s' npx subreaper -- sh -c 'echo "options: $SUBREAPER_OPTIONS"' # options:
\`\`\`

## Exit status

| status        | when                                                                                 |
| ------------- | ------------------------------------------------------------------------------------ |
| the command's | it exited; with \`--restart\`, in its last run                                         |
| 128 + N       | signal N ended it; with \`--until all\`, stop signal N came after it had ended with 0  |
| 0             | with \`--pause\`, after a stop signal                                                  |
| 127           | the command was not found                                                            |
| 126           | it was found but cannot be run: a directory, not executable, its interpreter missing |
| 125           | wrong usage, or a failure of subreaper itself                                        |

With \`--until-owner\`, the signal that ended the workload then ends init itself, for its owner to see.

Every error is one line on standard error: what, why, what to do.

\`\`\`sh
npx subreaper -- sh -c 'exit 7'; echo "status $?" # status 7
npx subreaper -- sh -c 'kill -KILL $$'; echo "status $?" # status 137
npx subreaper --remap-exit 143 -- sh -c 'kill $$'; echo "status $?" # status 0
npx subreaper -- no-such-command; echo "status $?" # status 127
npx subreaper --graec 2s -- true; echo "status $?" # status 125
\`\`\`
`;
  await expect(text).toMatchFileSnapshot('../../docs/options.md');
});

test('the pages that it names are there, and the options that name them', () => {
  const names = options.map(({ long }) => long);
  expect(Object.keys(pages).filter((option) => !names.includes(option as `--${string}`))).toEqual([]);
  const there = readdirSync(resolve(import.meta.dirname, '../../docs'));
  expect(Object.values(pages).filter((page) => !there.includes(page))).toEqual([]);
});
