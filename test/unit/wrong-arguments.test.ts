import { describe, expect, test } from 'vitest';
import * as index from '../../src/index.ts';
import * as testing from '../../src/testing/index.ts';

/** The last argument of a call, and what the error says of it. */
type Wrong = readonly [argument: unknown, message: string];

const pid = 'pass a pid, a whole number from 1';
const wrongPids: readonly Wrong[] = [
  ['12', `'pid' is "12"; ${pid}`],
  [Number.NaN, `'pid' is NaN; ${pid}`],
  [0, `'pid' is 0; ${pid}`],
  [-5, `'pid' is -5; ${pid}`],
  [1.5, `'pid' is 1.5; ${pid}`],
  [Number.POSITIVE_INFINITY, `'pid' is Infinity; ${pid}`],
  [12n, `'pid' is 12n; ${pid}`],
  [null, `'pid' is null; ${pid}`],
  [{ pid: 12 }, `'pid' is an object; ${pid}`],
  [Symbol('pid'), `'pid' is Symbol(pid); ${pid}`],
];
const missingPid: Wrong = [undefined, `'pid' is undefined, as it is after a failed spawn; ${pid}`];

const wrongOptions: readonly Wrong[] = [
  [null, 'the options are null; pass an object, or leave them out'],
  ['SIGTERM', 'the options are "SIGTERM"; pass an object, or leave them out'],
  [[], 'the options are an array; pass an object, or leave them out'],
  [() => {}, 'the options are a function; pass an object, or leave them out'],
];

const wrongTimes = (name: string): readonly Wrong[] =>
  (
    [
      ['x', '"x"'],
      [-1, '-1'],
      [Number.NaN, 'NaN'],
      [2 ** 31, '2147483648'],
    ] as const
  ).map(([value, is]) => [
    { [name]: value },
    `'${name}' is ${is}; pass a number of milliseconds from 0 to 2147483647`,
  ]);

const noProcess = 2 ** 22 + 1;
const hooks = { beforeEach() {}, afterEach() {} };
const whatHooks = "pass an object with the test runner's beforeEach and afterEach";
const whatLogger = 'pass an object with the methods debug and warn, such as a pino logger';
const whatStream = 'pass an open stream, or a descriptor number';
const whatCount = 'pass a whole number from 0 to 4194304';

/** What each public function says of what it does not take, behind arguments that it takes. */
const calls: readonly (readonly [name: string, before: readonly unknown[], wrong: readonly Wrong[]])[] = [
  ['killTree', [], [...wrongPids, missingPid]],
  [
    'killTree',
    [noProcess],
    [
      ...wrongOptions,
      ...wrongTimes('graceMs'),
      [{ grace: 100 }, "there is no option 'grace'; use one of signal, graceMs"],
      [{ signal: 'TERM' }, "'signal' is \"TERM\"; pass the name of a signal, such as 'SIGTERM'"],
      [{ signal: 15 }, "'signal' is 15; pass the name of a signal, such as 'SIGTERM'"],
    ],
  ],
  ['descendants', [], [...wrongPids, missingPid]],
  [
    'register',
    [],
    [
      ...wrongOptions,
      [{ onreap() {} }, "there is no option 'onreap'; use one of onReap, owns, killOrphansOnExit, logger"],
      [{ onReap: 1 }, "'onReap' is 1; pass a function"],
      [{ owns: null }, "'owns' is null; pass a function"],
      [{ killOrphansOnExit: 1 }, "'killOrphansOnExit' is 1; pass true or false"],
      [{ logger: 'pino' }, `'logger' is "pino"; ${whatLogger}`],
      [{ logger: null }, `'logger' is null; ${whatLogger}`],
      [{ logger: { info() {} } }, `'logger' is an object; ${whatLogger}`],
    ],
  ],
  [
    'orphanChain',
    [],
    [
      ...wrongOptions,
      ...wrongTimes('lifeMs'),
      [{ depth: 0 }, "'depth' is 0; pass a whole number from 1 to 10"],
      [{ width: 1.5 }, "'width' is 1.5; pass a whole number from 1 to 1000"],
      [{ exitCode: 256 }, "'exitCode' is 256; pass a whole number from 0 to 255"],
      [{ ignoreTerm: 'yes' }, '\'ignoreTerm\' is "yes"; pass true or false'],
      [{ setsid: 0 }, "'setsid' is 0; pass true or false"],
      [
        { life: 1 },
        "there is no option 'life'; use one of depth, width, lifeMs, ignoreTerm, setsid, exitCode",
      ],
      [{ depth: 4, width: 10 }, 'width 10 and depth 4 make 10000 processes; the most is 1000'],
    ],
  ],
  [
    'trackProcesses',
    [],
    [
      ...wrongOptions,
      [{ name: 1 }, "'name' is 1; pass a string"],
      [{ allow: 1 }, "'allow' is 1; pass a function"],
      [{ names: 'a' }, "there is no option 'names'; use one of name, allow"],
    ],
  ],
  [
    'failOnLeaks',
    [],
    [
      [undefined, `'hooks' is undefined; ${whatHooks}`],
      [{ beforeEach() {} }, `'hooks' is an object; ${whatHooks}`],
    ],
  ],
  [
    'failOnLeaks',
    [hooks],
    [
      ...wrongOptions,
      [{ alow() {} }, "there is no option 'alow'; use one of allow, testName"],
      [{ allow: 'esbuild' }, '\'allow\' is "esbuild"; pass a function'],
      [{ testName: 'a' }, '\'testName\' is "a"; pass a function'],
    ],
  ],
  [
    'pipeHolders',
    [],
    [
      ['stdout', `'stream' is "stdout"; ${whatStream}`],
      [null, `'stream' is null; ${whatStream}`],
      [undefined, `'stream' is undefined; ${whatStream}`],
      [Number.NaN, `'stream' is NaN; ${whatStream}`],
      [-1, `'stream' is -1; ${whatStream}`],
      [1.5, `'stream' is 1.5; ${whatStream}`],
    ],
  ],
  ['processTree', [], wrongPids],
  ['zombies', [], wrongPids],
  [
    'waitForOrphans',
    [],
    [
      [undefined, "'orphans' is undefined; pass an array"],
      [12, "'orphans' is a number; pass an array"],
      [[12], missingPid[1]],
      [[{ pid: '12' }], `'pid' is "12"; ${pid}`],
    ],
  ],
  [
    'waitForOrphans',
    [[]],
    [
      ...wrongOptions,
      ...wrongTimes('timeoutMs'),
      [{ timeout: 1 }, "there is no option 'timeout'; use one of timeoutMs"],
    ],
  ],
  [
    'waitForZombies',
    [],
    [
      [undefined, `'count' is undefined; ${whatCount}`],
      [-1, `'count' is -1; ${whatCount}`],
      [1.5, `'count' is 1.5; ${whatCount}`],
      ['0', `'count' is "0"; ${whatCount}`],
    ],
  ],
  [
    'waitForZombies',
    [0],
    [
      ...wrongOptions,
      ...wrongTimes('timeoutMs'),
      ...wrongPids.map(([value, message]): Wrong => [{ pid: value }, message]),
      [{ timeout: 1 }, "there is no option 'timeout'; use one of pid, timeoutMs"],
    ],
  ],
  [
    'spawnBound',
    [],
    [
      [undefined, "'command' is undefined; pass a string that is not empty"],
      [7, "'command' is 7; pass a string that is not empty"],
      ['', '\'command\' is ""; pass a string that is not empty'],
    ],
  ],
  [
    'spawnBound',
    ['true'],
    [
      // Of a command's arguments an error tells no more than the type.
      ['--password=secret', "'args' is a string; pass an array"],
      ...wrongTimes('graceMs'),
    ],
  ],
  ['spawnBound', ['true', {}], [[{}, "'args' is an object; pass an array"]]],
  ['spawnBound', ['true', []], [[null, "'options' is null; pass an object"]]],
];

const publicFunctions = Object.entries({ ...index, ...testing }).filter(([name]) => /^[a-z]/.test(name));

test('every public function with arguments is in the table', () => {
  const names = publicFunctions.map(([name]) => name).filter((name) => name !== 'becomeSubreaper');
  expect([...new Set(calls.map(([name]) => name))].sort()).toEqual(names.sort());
});

for (const [name, before, wrong] of calls) {
  const publicFunction = publicFunctions.find(([known]) => known === name)?.[1] as (
    ...args: unknown[]
  ) => unknown;

  describe(`${name}: a TypeError says`, () => {
    for (const [argument, message] of wrong) {
      test(message, async () => {
        // Some functions throw, the others return a promise.
        const call = async () => publicFunction(...before, argument);
        await expect(call()).rejects.toThrow(new TypeError(`${name}: ${message}`));
      });
    }
  });
}
