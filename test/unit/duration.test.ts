import { expect, test } from 'vitest';
import { durationOf } from '../../src/cli/values.ts';
import { Failure } from '../../src/lifecycle/failure.ts';

function parseDuration(text: string): number | undefined {
  try {
    return durationOf(text, '--grace');
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

/** The longest time that node's setTimeout can wait: 2^31 - 1 ms. */
const LONGEST_MS = 2147483647;

type Row = readonly [text: string, milliseconds: number | undefined];
/** Pairs of text and value, so that a failure shows the text. */
const read = (table: readonly Row[]): Row[] => table.map(([text]) => [text, parseDuration(text)]);

test('a number and a unit, to whole milliseconds', () => {
  const table: Row[] = [
    ['0', 0],
    ['0ms', 0],
    ['0m', 0],
    ['1', 1000],
    ['10', 10_000],
    ['007', 7000],
    ['1ms', 1],
    ['500ms', 500],
    ['10s', 10_000],
    ['2m', 120_000],
    ['0.5', 500],
    ['1.5s', 1500],
    ['1.5m', 90_000],
    ['0.001m', 60],
    ['1.4ms', 1],
    ['1.5ms', 2],
    ['0.0001s', 0],
    // 1.005 * 1000 is 1004.9999999999999 in binary floating point.
    ['1.005s', 1005],
  ];
  expect(read(table)).toEqual(table);
});

test('no longer than a timer can wait', () => {
  const table: Row[] = [
    [`${LONGEST_MS}ms`, LONGEST_MS],
    [`${LONGEST_MS + 1}ms`, undefined],
    ['2147483.647', LONGEST_MS],
    ['2147483.648', undefined],
    ['35791m', 2147460000],
    ['35792m', undefined],
    ['999999999m', undefined],
    [`${'9'.repeat(400)}ms`, undefined],
  ];
  expect(read(table)).toEqual(table);
});

test('nothing else', () => {
  const texts = [
    '',
    ' ',
    'x',
    's',
    'ms',
    '5x',
    '1h',
    '1d',
    '1M',
    '1S',
    '1MS',
    '10 s',
    ' 10s',
    '10s ',
    '10s\n',
    '10\n',
    '-1',
    '+1',
    '.5',
    '1.',
    '1.s',
    '1.2.3',
    '1,5',
    '1_000',
    '1e3',
    '0x10',
    '1m30s',
    '١s',
    '10µs',
    'NaN',
    'Infinity',
  ];
  expect(texts.filter((text) => parseDuration(text) !== undefined)).toEqual([]);
});
