import { constants } from 'node:os';
import { expect, test } from 'vitest';
import { terminatingSignals } from '../../src/in-process/default-actions.ts';

test('the signals that end a process have the numbers that node has for them', () => {
  const names = Object.keys(terminatingSignals) as NodeJS.Signals[];
  expect(terminatingSignals).toEqual(
    Object.fromEntries(names.map((name) => [name, constants.signals[name]])),
  );
});
