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
  events: ['native', 'signals', 'reaper', 'process-tree'],
  // Pure: of native the types alone.
  lifecycle: ['native', 'signals', 'reaper', 'events'],
  observe: ['native', 'signals', 'reaper', 'log', 'process-tree', 'events', 'lifecycle'],
  start: ['native', 'signals', 'process-tree', 'lifecycle'],
  supervise: ['native', 'signals', 'reaper', 'log', 'process-tree', 'lifecycle', 'observe'],
  init: ['native', 'signals', 'reaper', 'log', 'process-tree', 'lifecycle', 'observe', 'start', 'supervise'],
  // It prints what it finds, and is loaded by the command line alone.
  doctor: ['native', 'process-tree', 'observe'],
  cli: ['doctor', 'native', 'signals', 'log', 'process-tree', 'lifecycle', 'observe', 'start', 'init'],
  'in-process': ['arguments', 'native', 'signals', 'reaper', 'process-tree', 'events'],
  // It starts the command line, and imports nothing of it.
  owner: ['arguments', 'native', 'signals'],
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

test('where a step may fail and its error is dropped, the line before says why', () => {
  const dropped = /^\s*(?:else |if \(.*\) |for \(.*\) |'[\w-]+': \(\) => void )*attempt\(/;
  const silent = files
    .filter((file) => file !== 'process-tree/kill-tree.ts')
    .flatMap((file) => {
      const lines = readFileSync(resolve(source, file), 'utf8').split('\n');
      return lines.flatMap((line, index) =>
        dropped.test(line) && !/^\s*\/\//.test(lines[index - 1] ?? '') ? [`${file}:${index + 1}`] : [],
      );
    });
  expect(silent).toEqual([]);
});

test('the lifecycle is pure: of native and the log it has types alone', () => {
  const wrong = files
    .filter((file) => roomOf(file) === 'lifecycle')
    .flatMap((file) => [
      ...readFileSync(resolve(source, file), 'utf8').matchAll(
        /^import (?!type ).* from '\.\.\/(?:native|log)\/.*/gm,
      ),
    ])
    .map(([line]) => line);
  expect(wrong).toEqual([]);
});

/** In a large room a file imports from the layers below its own: a reader goes down, and never back up. */
const layers: Readonly<Record<string, readonly (readonly string[])[]>> = {
  supervise: [
    ['interpreter'],
    ['effects'],
    ['recipients'],
    ['tree'],
    ['children'],
    ['parts'],
    ['group-member', 'terminal', 'workload'],
  ],
  lifecycle: [
    ['lifecycle'],
    ['run'],
    ['stop'],
    ['end'],
    ['job-control'],
    ['steps'],
    ['model'],
    ['explained', 'failure', 'options'],
  ],
  start: [
    ['held-signals'],
    ['bonds', 'start-workload'],
    ['inherited', 'shell-fallback'],
    ['command', 'hand-over-terminal', 'pnpm-shim', 'writable-code'],
  ],
};

test.each(Object.entries(layers))('in %s, a file imports from the layers below its own', (room, ofRoom) => {
  const pathOf = (name: string) => `${room}/${name}.ts`;
  expect(ofRoom.flat().map(pathOf).sort()).toEqual(files.filter((file) => roomOf(file) === room).sort());
  for (const [index, layer] of ofRoom.entries()) {
    const below = ofRoom
      .slice(index + 1)
      .flat()
      .map(pathOf);
    for (const file of layer.map(pathOf))
      expect(
        importsOf(file).filter((imported) => roomOf(imported) === room && !below.includes(imported)),
        file,
      ).toEqual([]);
  }
});

/** What the other rooms may import of one: its doors. */
const doors: Readonly<Record<string, readonly string[]>> = {
  supervise: ['interpreter', 'terminal'],
  observe: ['cgroups', 'explanations', 'observer', 'observers', 'options', 'quantities', 'whole-file'],
  lifecycle: ['explained', 'failure', 'lifecycle', 'model', 'options'],
};

test.each(Object.entries(doors))('%s is entered by its doors', (room, ofRoom) => {
  const used = files
    .filter((file) => roomOf(file) !== room)
    .flatMap(importsOf)
    .filter((imported) => roomOf(imported) === room);
  expect([...new Set(used)].sort()).toEqual(ofRoom.map((name) => `${room}/${name}.ts`));
});
