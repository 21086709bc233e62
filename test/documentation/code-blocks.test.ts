import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Ajv from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { parseCommandLine } from '../../src/cli/command-line.ts';
import {
  type Block,
  blocksOf,
  expectedLines,
  logLines,
  pages,
  root,
  runnerOf,
} from '../helpers/documentation.ts';
import { lacking } from '../helpers/needs.ts';
import { makeProjects, type Outcome, type Project, type Projects } from './project.ts';

const nodeVersion = Number(process.versions.node.split('.')[0]);
const scripts = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).scripts as Record<
  string,
  string
>;

let projects: Projects;
beforeAll(async () => {
  projects = await makeProjects();
});
afterAll(() => projects.remove());

/** A Ctrl-C ends a service: with 0 if it handles that, or by the signal. */
const goodEnds: readonly unknown[] = [0, 130, 'SIGINT'];

/** Those with a block that is tried here. */
const pagesToTry = pages.filter((page) =>
  blocksOf(page).some((block) => ['project', 'repository', 'parser'].includes(runnerOf(block))),
);

describe.each(pagesToTry)('%s', (page) => {
  const blocks = blocksOf(page);
  const inProject = blocks.filter((block) => runnerOf(block) === 'project');
  let project: Project;
  beforeAll(() => {
    if (inProject.length > 0) project = projects.make(page);
  });

  for (const block of blocks) {
    const name = `line ${block.line}, ${block.language}`;
    switch (runnerOf(block)) {
      case 'project':
        test(name, lacking(lackOfNode(block)), () => runBlock(project, block, blocks));
        break;
      case 'repository':
        test(`${name}: names scripts that exist`, () => expectScripts(block));
        break;
      case 'parser':
        test(`${name}: is well formed`, () => expectWellFormed(block));
    }
  }
});

function lackOfNode({ minimumNode }: Block): string | undefined {
  return minimumNode > nodeVersion ? `Node.js ${minimumNode}: this is ${nodeVersion}` : undefined;
}

async function runBlock(project: Project, block: Block, all: readonly Block[]): Promise<void> {
  if (block.language === 'sh') {
    // A block that shows a status goes on after a command that fails.
    const options = block.text.includes('$?') ? ['-c'] : ['-e', '-c'];
    const outcome = await project.run(['sh', ...options, block.text]);
    expectOutcome(outcome, block);
    // The log that the page shows below.
    const next = all[all.indexOf(block) + 1];
    if (next?.language === 'text')
      for (const line of logLines(next.text)) expect(outcome.stderr).toMatch(line);
    return;
  }
  const file = block.file ?? 'example.js';
  mkdirSync(dirname(join(project.folder, file)), { recursive: true });
  writeFileSync(join(project.folder, file), `${block.text}\n`);
  if (!isUsedBelow(block, all)) expectOutcome(await project.run(['node', file]), block);
}

/** A set-up or test file proves nothing by itself: a command further down the page runs it. */
function isUsedBelow({ page, line, file }: Block, all: readonly Block[]): boolean {
  if (file === undefined) return false;
  const commands = all.filter((other) => other.line > line && ['sh', 'json'].includes(other.language));
  const isForRunner = /\.(test|config)\.|setup\./.test(file);
  const isUsed = commands.some(
    ({ text }) => text.includes(file) || (isForRunner && /vitest|jest|--test/.test(text)),
  );
  if (isForRunner && !isUsed) throw new Error(`${page}:${line}: no block below runs ${file}`);
  return isUsed;
}

function expectOutcome({ status, stdout, stderr }: Outcome, block: Block): void {
  const told = `status ${status}\n${stdout}${stderr}`;
  expect(goodEnds, told).toContain(status);
  if (status !== 0) expect(stdout).toContain('listening');
  // In any order: a callback's line stands above the line that causes it.
  const lines = stdout.split('\n').map((line) => line.trim());
  for (const expected of expectedLines(block)) {
    const at = lines.findIndex((line) => expected.test(line));
    expect(at, `no line ${expected} in:\n${told}`).not.toBe(-1);
    lines.splice(at, 1);
  }
}

function expectScripts({ text }: Block): void {
  const named = [...text.matchAll(/npm run (?:--silent )?([\w:-]+)/g)].map(([, name]) => name as string);
  const known = named.filter((name) => name in scripts);
  expect(known).toEqual(named);
}

function expectWellFormed({ language, text }: Block): void {
  if (language === 'yaml') {
    const documents = parseAllDocuments(text);
    expect(documents.flatMap(({ errors }) => errors)).toEqual([]);
    // Options for subreaper, wherever an engine keeps its environment.
    for (const [, options = ''] of text.matchAll(/SUBREAPER_OPTIONS: (.*)/g))
      expect(parseCommandLine(options, ['true'])).toMatchObject({ kind: 'run' });
    return;
  }
  const value = JSON.parse(text);
  if (!('reason' in value)) return;
  const schema = JSON.parse(readFileSync(join(root, 'docs/report.schema.json'), 'utf8'));
  const validate = new Ajv.default({ allowUnionTypes: true }).compile(schema);
  expect(validate(value), JSON.stringify(validate.errors)).toBe(true);
}
