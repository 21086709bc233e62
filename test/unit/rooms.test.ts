import { readdirSync, readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';

const source = resolve(import.meta.dirname, '../../src');

/** The rooms that each room may import from, beside itself. The arrows run one way. */
const mayUse: Readonly<Record<string, readonly string[]>> = {
  native: [],
  arguments: [],
  signals: ['native'],
  reaper: ['native'],
  log: ['native', 'events'],
  'process-tree': ['native', 'signals', 'arguments'],
  // What the log and the channels of an app say alike.
  events: ['native', 'reaper', 'process-tree'],
  explain: ['native', 'signals', 'reaper', 'process-tree'],
  trace: ['native', 'reaper', 'process-tree'],
  init: ['native', 'signals', 'reaper', 'log', 'process-tree', 'explain', 'trace', 'events'],
  // It prints what it finds, and is loaded by the command line alone.
  doctor: ['native', 'process-tree', 'explain'],
  cli: ['doctor', 'native', 'signals', 'log', 'init'],
  'in-process': ['arguments', 'native', 'signals', 'reaper', 'process-tree', 'events'],
  // It starts the command line, and imports nothing of it.
  owner: ['arguments', 'native', 'signals', 'in-process'],
  // The testing kit uses the public index, which tests import.
  testing: ['arguments', 'native', 'process-tree', 'index.ts'],
  'index.ts': ['native', 'process-tree', 'in-process', 'owner', 'events'],
};

const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.ts'),
);

const roomOf = (file: string) => file.split('/')[0] as string;

/** The modules of the project that a file imports, also as types. */
function importsOf(file: string): string[] {
  const text = readFileSync(resolve(source, file), 'utf8');
  return [...text.matchAll(/ from '(\.{1,2}\/[^']+)'/g)].map(([, path]) =>
    relative(source, resolve(source, dirname(file), path as string)),
  );
}

test('every file is in a room, but the index', () => {
  expect([...new Set(files.map(roomOf))].sort()).toEqual(Object.keys(mayUse).sort());
});

test('a room uses those below it alone', () => {
  const wrong = files.flatMap((file) =>
    importsOf(file)
      .filter((imported) => roomOf(imported) !== roomOf(file))
      .filter((imported) => !mayUse[roomOf(file)]?.includes(roomOf(imported)))
      .map((imported) => `${file} imports ${imported}`),
  );
  expect(wrong).toEqual([]);
});

test('no file imports itself by way of others', () => {
  const isChecked = new Set<string>();
  function circleFrom(file: string, way: readonly string[]): string | undefined {
    if (way.includes(file)) return [...way, file].join(' -> ');
    if (isChecked.has(file)) return undefined;
    for (const imported of importsOf(file)) {
      const circle = circleFrom(imported, [...way, file]);
      if (circle !== undefined) return circle;
    }
    isChecked.add(file);
    return undefined;
  }
  expect(files.map((file) => circleFrom(file, [])).filter((circle) => circle !== undefined)).toEqual([]);
});

test('koffi is imported in native alone', () => {
  const importers = files.filter((file) =>
    /'(koffi|@koromix)/.test(readFileSync(resolve(source, file), 'utf8')),
  );
  expect([...new Set(importers.map(roomOf))]).toEqual(['native']);
});
