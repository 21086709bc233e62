import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { linesOf } from '../helpers/left-out.ts';
import { lacking } from '../helpers/needs.ts';

const compiler = 'a C compiler: apt-get install gcc libc6-dev';
const root = 'root: run the tests as root';

describe('what a run leaves out', () => {
  test('is nothing where every test runs', () => {
    expect(linesOf([])).toEqual([]);
  });

  test('is said once for each reason, the most frequent first', () => {
    expect(linesOf([[`need ${root}`], [`need ${compiler}`], [`need ${compiler}`]])).toEqual([
      'Left out: 3',
      '2 tests need a C compiler: apt-get install gcc libc6-dev',
      '1 test needs root: run the tests as root',
    ]);
  });

  test('for several reasons at once is in the line of each', () => {
    expect(linesOf([[`need ${compiler}`, `need ${root}`], [`need ${root}`]])).toEqual([
      'Left out: 2, some for several reasons',
      '2 tests need root: run the tests as root',
      '1 test needs a C compiler: apt-get install gcc libc6-dev',
    ]);
  });

  test('says so where a test does not say why', () => {
    const note = 'were skipped: Swarm does not start';
    expect(linesOf([[note], [note], ['were skipped: they do not say why']])).toEqual([
      'Left out: 3',
      '2 tests were skipped: Swarm does not start',
      '1 test was skipped: it does not say why',
    ]);
  });
});

describe('a test', () => {
  test('runs where nothing is missing', () => {
    expect(lacking(undefined, undefined)).toEqual({});
  });

  test('is skipped with all that is missing', () => {
    expect(lacking(undefined, compiler, root)).toEqual({ skip: true, meta: { lacks: [compiler, root] } });
  });

  test('says why it is skipped', () => {
    const folder = resolve(import.meta.dirname, '..');
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.endsWith('.test.ts'),
    );
    const silent = /\b(?:test|describe)(?:\.\w+)*\.(?:skip|skipIf|runIf|todo)\b/;
    expect(files.filter((file) => silent.test(readFileSync(join(folder, file), 'utf8')))).toEqual([]);
  });
});
