// docs/migrating.md has each flag and variable that the other inits tell of themselves.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../helpers/documentation.ts';
import { command, lacking } from '../helpers/needs.ts';

const page = readFileSync(join(root, 'docs/migrating.md'), 'utf8');

/** What the help of a program names: flags at the start of a line, those in "[-ghLPV]", and variables. */
function namesIn(help: string): string[] {
  const lines = [...help.matchAll(/^ +(-\w|--[\w-]+)(?:, +(--[\w-]+))?/gm)].flatMap(([, ...names]) => names);
  const grouped = [...(/\[-(\w+)\]/.exec(help)?.[1] ?? '')].map((letter) => `-${letter}`);
  const variables = [...help.matchAll(/^ +([A-Z]+_[A-Z_]+):/gm)].map(([, name]) => name);
  return [...new Set([...lines, ...grouped, ...variables])].filter((name) => name !== undefined);
}

for (const program of ['tini', 'dumb-init', 'catatonit']) {
  test(program, lacking(command(program)), () => {
    const { stdout, stderr } = spawnSync(program, ['-h'], { encoding: 'utf8' });
    const names = namesIn(stdout + stderr);
    expect(names.length).toBeGreaterThan(3);
    const section = page.split(/^## /m).find((part) => part.startsWith(`From ${program}`)) ?? '';
    // Within the code of the table.
    const told = [...section.matchAll(/`([^`]*)`/g)].flatMap(([, code = '']) => code.split(/[ =]/));
    expect(names.filter((name) => !told.includes(name))).toEqual([]);
  });
}
