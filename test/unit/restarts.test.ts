import { describe, expect, test } from 'vitest';
import { createRestarts, type RestartPolicy } from '../../src/init/restarts.ts';

const GOOD_LIFE_MS = 10_000;
const always: RestartPolicy = { kind: 'always' };
const onFailure = (limit = Number.POSITIVE_INFINITY): RestartPolicy => ({ kind: 'on-failure', limit });

/** The waits between lives of that length that all end alike. */
function delays(policy: RestartPolicy, lives: number, { exitStatus = 1, lifeMs = 0 } = {}) {
  const next = createRestarts(policy);
  return Array.from({ length: lives }, () => next(exitStatus, lifeMs));
}

const doubling = [200, 400, 800, 1600, 3200, 6400, 10_000, 10_000, 10_000];

describe('no', () => {
  test.each([0, 1, 137, 255])('starts nothing again after %i', (exitStatus) => {
    expect(delays({ kind: 'no' }, 3, { exitStatus })).toEqual([undefined, undefined, undefined]);
  });

  test('nor after a good life', () => {
    expect(delays({ kind: 'no' }, 2, { lifeMs: GOOD_LIFE_MS })).toEqual([undefined, undefined]);
  });
});

describe('always', () => {
  test.each([0, 1, 143])(
    'waits 200 ms, then twice as long each time, 10 s at most, after %i',
    (exitStatus) => {
      expect(delays(always, doubling.length, { exitStatus })).toEqual(doubling);
    },
  );

  test('stays at 10 s for years', () => {
    expect(
      delays(always, 5000)
        .slice(6)
        .every((delayMs) => delayMs === 10_000),
    ).toBe(true);
  });
});

describe('on-failure', () => {
  test('waits as long as always does', () => {
    expect(delays(onFailure(), doubling.length)).toEqual(doubling);
  });

  test.each([1, 3, 125, 126, 127, 128, 137, 143, 255])('takes %i for a failure', (exitStatus) => {
    expect(createRestarts(onFailure())(exitStatus, 0)).toBe(200);
  });

  test('ends with a success, however many failures came before', () => {
    const next = createRestarts(onFailure());
    expect([next(1, 0), next(1, 0), next(0, 0)]).toEqual([200, 400, undefined]);
    expect(createRestarts(onFailure())(0, GOOD_LIFE_MS)).toBeUndefined();
  });

  test.each([1, 2, 3, 10])(':%i is that many restarts in a row', (limit) => {
    const waits = delays(onFailure(limit), limit + 2);
    expect(waits.slice(0, limit)).not.toContain(undefined);
    expect(waits.slice(limit)).toEqual([undefined, undefined]);
  });
});

describe('a life of 10 s', () => {
  test.each([always, onFailure()])('begins the row anew: $kind', (policy) => {
    const next = createRestarts(policy);
    expect([next(1, 0), next(1, 0), next(1, 0)]).toEqual([200, 400, 800]);
    expect([next(1, GOOD_LIFE_MS), next(1, 0), next(1, GOOD_LIFE_MS * 100)]).toEqual([200, 400, 200]);
  });

  test('and one of a millisecond less does not', () => {
    const next = createRestarts(always);
    expect([next(1, GOOD_LIFE_MS - 1), next(1, GOOD_LIFE_MS - 1)]).toEqual([200, 400]);
  });

  test('gives on-failure:N its N restarts back', () => {
    const next = createRestarts(onFailure(2));
    expect([next(1, 0), next(1, 0), next(1, GOOD_LIFE_MS), next(1, 0), next(1, 0)]).toEqual([
      200,
      400,
      200,
      400,
      undefined,
    ]);
  });

  test('each time: a workload that fails every 10 s is started again for ever', () => {
    expect(new Set(delays(onFailure(1), 100, { lifeMs: GOOD_LIFE_MS }))).toEqual(new Set([200]));
  });
});

test('each init counts its own lives', () => {
  const first = createRestarts(always);
  const second = createRestarts(always);
  expect([first(1, 0), first(1, 0), second(1, 0)]).toEqual([200, 400, 200]);
});
