import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const root = resolve(import.meta.dirname, '../..');

/** README.md and the pages of docs/, from the root of the repository. */
export const pages: readonly string[] = [
  'README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .sort()
    .map((name) => `docs/${name}`),
];

/** A code block of a page. */
export interface Block {
  readonly page: string;
  /** The line of its first fence. */
  readonly line: number;
  readonly language: string;
  readonly text: string;
  /** Whether it is a set-up file of a test runner: a comment above it names both. */
  readonly isSetUp: boolean;
  /** The name of the file that it shows: a Dockerfile, or what its first line says. */
  readonly file: string | undefined;
  /** The oldest major version of node that can run it: "// Node.js 24" in its first line. */
  readonly minimumNode: number;
}

export function blocksOf(page: string): Block[] {
  const lines = readFileSync(join(root, page), 'utf8').split('\n');
  const blocks: Block[] = [];
  for (let index = 0; index < lines.length; index++) {
    const [, indent = '', fence, language = ''] = /^( *)(`{3,})(.*)$/.exec(lines[index] as string) ?? [];
    if (fence === undefined) continue;
    const end = lines.findIndex((line, at) => at > index && line.trim() === fence);
    if (end === -1) throw new Error(`${page}:${index + 1}: a code block without an end`);
    const text = lines
      .slice(index + 1, end)
      .map((line) => line.slice(indent.length))
      .join('\n');
    const isSetUp = /^<!-- [\w-]+: \S+ -->$/.test(lines[index - 2] ?? '');
    blocks.push({ page, line: index + 1, language, text, isSetUp, ...readFirstLine(language, text) });
    index = end;
  }
  return blocks;
}

function readFirstLine(language: string, text: string): Pick<Block, 'file' | 'minimumNode'> {
  const [first = ''] = text.split('\n');
  const file = language === 'dockerfile' ? 'Dockerfile' : /^(?:\/\/|#) ([\w./-]+\.[a-z]+)$/.exec(first)?.[1];
  return { file, minimumNode: Number(/^\/\/ Node\.js (\d+)/.exec(first)?.[1] ?? 0) };
}

/** What runs a block, or checks it. */
export type Runner =
  /** test/documentation, in a project that has subreaper installed. */
  | 'project'
  /** test/engine, with a real Docker Engine. */
  | 'engine'
  /** CI, as a step of its own: a command of this repository. */
  | 'repository'
  /** test/integration/testing-runners.test.ts, with the runner that it is for. */
  | 'test-runner'
  /** test/starters/in-other-tools.test.ts, with the tool that it is for. */
  | 'tool'
  /** A parser and a schema. */
  | 'parser'
  /** Nothing: what a program prints, a picture, or what configures an editor. */
  | 'none';

export function runnerOf({ language, text, isSetUp, page, line }: Block): Runner {
  if (isSetUp) return 'test-runner';
  if (page === 'docs/in-other-tools.md' && language !== 'json') return 'tool';
  switch (language) {
    case 'js':
      return 'project';
    case 'dockerfile':
      return 'engine';
    case 'sh':
      if (text.startsWith('# in a clone of the repository')) return 'repository';
      return /^(docker|timeout \d+ docker) /m.test(text) ? 'engine' : 'project';
    case 'json':
    case 'yaml':
      return 'parser';
    case 'text':
    case 'mermaid':
    // The configuration of an editor, which is not here.
    case 'lua':
    case 'toml':
      return 'none';
    default:
      throw new Error(`${page}:${line}: no test runs a block of the language '${language}'`);
  }
}

/**
 * The output that a block says it has: the comments behind `console.log(…)` and `echo …`. A number of four digits or more
 * is a pid or a time, and stands for any.
 */
export function expectedLines({ text }: Block): RegExp[] {
  return text
    .split('\n')
    .map((line) => /(?:console\.log\(.*\);|\becho .*?) +(?:\/\/|#) (.+)$/.exec(line)?.[1])
    .filter((comment) => comment !== undefined)
    .map((comment) => {
      const escaped = comment.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
      return new RegExp(`^${escaped.replace(/\d{4,}/g, '\\d+')}$`);
    });
}

/**
 * The lines of init's log that a text shows, without their times and with any number for a number. sleep(1) may still be
 * called sh: on a busy machine the shell's fork has not executed it yet.
 */
export function logLines(text: string): RegExp[] {
  return text
    .split('\n')
    .map((line) => /^12:00:00\.\d{3} (\w+ +subreaper\[\d+\]: .*)$/.exec(line)?.[1])
    .filter((line) => line !== undefined)
    .map((line) => {
      const escaped = line.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
      return new RegExp(
        `^\\d\\d:\\d\\d:\\d\\d\\.\\d{3} ${escaped.replace(/\d+(\\\.\d+)?/g, '[\\d.]+').replaceAll('sleep', '(sleep|sh)')}$`,
        'm',
      );
    });
}
