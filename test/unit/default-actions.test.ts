import { constants } from 'node:os';
import { expect, test } from 'vitest';
import { endingSignals } from '../../src/in-process/default-actions.ts';

test('the signals that end a process have the numbers that node has for them', () => {
  const names = Object.keys(endingSignals) as NodeJS.Signals[];
  expect(endingSignals).toEqual(Object.fromEntries(names.map((name) => [name, constants.signals[name]])));
});
