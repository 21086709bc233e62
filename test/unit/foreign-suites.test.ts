import { expect, test } from 'vitest';
import { differences, flakyTests, readTap } from '../foreign/outcomes.mjs';
import { medianInterval } from '../load/median-interval.mjs';

test('TAP gives each test, also those of subtests, a name without pids and times, and an outcome', () => {
  const tap = [
    'TAP version 13',
    '# Subtest: kill',
    '    ok 1 - it ends',
    '    not ok 2 - pid 12345 is gone # time=1.5ms',
    '    1..2',
    'not ok 1 - kill # time=7ms',
    'ok 2 mocha writes no dash',
    'ok 3 - it ends',
    'okay, says the suite',
  ];
  expect(readTap(tap.join('\n'))).toEqual([
    ['it ends', 'ok'],
    ['pid … is gone', 'not ok'],
    ['kill', 'not ok'],
    ['mocha writes no dash', 'ok'],
    ['it ends (2)', 'ok'],
  ]);
});

const always = { steady: 'ok', broken: 'not ok' };
const run = (outcomes: Record<string, string>) => new Map(Object.entries({ ...always, ...outcomes }));

test('an outcome that most runs show and no bare run is a difference, also of a test that is missing or new', () => {
  const bare = [run({ flaky: 'ok' }), run({ flaky: 'not ok' })];
  expect(differences(bare, [run({ flaky: 'not ok' })])).toEqual([]);
  expect(differences(bare, [run({})])).toEqual(['flaky: not run; bare: ok, not ok']);
  const failed = run({ flaky: 'ok', steady: 'not ok' });
  expect(differences(bare, [failed])).toEqual(['steady: not ok; bare: ok']);
  expect(differences(bare, [run({ flaky: 'ok', broken: 'ok' })])).toEqual(['broken: ok; bare: not ok']);
  expect(differences(bare, [run({ flaky: 'ok', more: 'ok' })])).toEqual(['more: ok; bare: not run']);
  const passed = run({ flaky: 'ok' });
  expect(differences(bare, [failed, passed])).toEqual([]);
  expect(differences(bare, [failed, passed, failed])).toEqual(['steady: not ok; bare: ok']);
  expect(flakyTests(bare)).toBe(1);
});

test('the 95 % interval of a median goes from the 6th to the 15th of 20 values, as in tables of the sign test', () => {
  const values = Array.from({ length: 20 }, (_, index) => 20 - index);
  expect(medianInterval(values)).toEqual({ low: 6, high: 15 });
  expect(medianInterval([1, 2, 3, 4, 5, 6])).toEqual({ low: 1, high: 6 });
});
