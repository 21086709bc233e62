import { describe, expect, test } from 'vitest';
import { fromBytes, type Inherited, parseInherited, variable } from '../../src/init/inherited.ts';
import type { ByteString, Pid } from '../../src/native/types.ts';

const PID = 42;
const PARENT = 7;

const bytes = (strings: readonly string[]) => strings as readonly ByteString[];

/** What the launcher saved of an environment: as the kernel holds it, every entry ended by NUL, in base64. */
const saved = (limit: string, entries: readonly string[]) => {
  const base64 = Buffer.from(entries.map((entry) => `${entry}\0`).join(''), 'latin1').toString('base64');
  // base64(1) breaks lines after 76 characters.
  return `SUBREAPER_ENVIRON=${limit}\n${base64.replace(/.{76}/g, '$&\n')}`;
};

const launcherVariable = 'SUBREAPER_LAUNCHER=42 1 0000000000004000 0000000000001000 0 1 2 5 17';

function inherited(
  environ: readonly string[],
  cmdline: readonly string[] = [],
  argumentCount = 0,
): Inherited {
  return parseInherited({
    environ: bytes(environ),
    cmdline: bytes(cmdline),
    argumentCount,
    pid: PID,
    parentPid: PARENT as Pid,
  });
}

describe('with what the launcher saved', () => {
  test('all of it is put back', () => {
    const entries = ['PATH=/bin', 'a.b=1', 'NODE_OPTIONS=--inspect', 'EMPTY=', 'EQUALS=a=b'];
    expect(inherited(['PWD=/', launcherVariable, saved('1024', entries)])).toEqual({
      environment: entries,
      optionsVariable: '',
      args: [],
      blockedSignals: 1n << 14n,
      ignoredSignals: 1n << 12n,
      descriptors: [0, 1, 2, 5, 17],
      descriptorLimit: 1024n,
      parentPid: 1,
    });
  });

  test('all 64 signals keep their bits', () => {
    const { blockedSignals, ignoredSignals } = inherited([
      'SUBREAPER_LAUNCHER=42 1 fffffffffffffffe 8000000000000001 0',
    ]);
    expect(blockedSignals).toBe(2n ** 64n - 2n);
    expect(ignoredSignals).toBe(2n ** 63n + 1n);
  });

  test('the order of the entries and double ones stay', () => {
    const entries = ['Z=1', 'A=2', 'Z=3'];
    expect(inherited([launcherVariable, saved('1', entries)]).environment).toEqual(entries);
  });

  test('the environment is the saved one, not what the shell passed on', () => {
    const environ = ['PWD=/made/by/the/shell', 'SHLVL=1', launcherVariable, saved('1', ['A=1'])];
    expect(inherited(environ).environment).toEqual(['A=1']);
  });

  test.each([
    ['1024', 1024n],
    ['0', 0n],
    ['9223372036854775808', 2n ** 63n],
    ['unlimited', 2n ** 64n - 1n],
    ['', undefined],
    ['hard', undefined],
  ])('a descriptor limit of %j', (limit, expected) => {
    expect(inherited([launcherVariable, saved(limit, ['A=1'])]).descriptorLimit).toBe(expected);
    // An empty environment leaves no line end: command substitution takes it away.
    expect(inherited(['PWD=/', launcherVariable, `SUBREAPER_ENVIRON=${limit}`])).toMatchObject({
      descriptorLimit: expected,
      environment: [],
    });
    expect(inherited([launcherVariable, `SUBREAPER_LIMIT=${limit}`]).descriptorLimit).toBe(expected);
  });

  test('which descriptors were closed is known', () => {
    expect(inherited(['SUBREAPER_LAUNCHER=42 1 0 0 1 2']).descriptors).toEqual([1, 2]);
  });

  test('without /proc there is a parent only', () => {
    expect(inherited(['A=1', 'SUBREAPER_LAUNCHER=42 1', 'SUBREAPER_LIMIT=256'])).toEqual({
      environment: ['A=1'],
      optionsVariable: '',
      args: [],
      blockedSignals: 0n,
      ignoredSignals: 0n,
      descriptors: undefined,
      descriptorLimit: 256n,
      parentPid: 1,
    });
  });
});

describe('without a launcher', () => {
  const nothingSaved = {
    blockedSignals: 0n,
    ignoredSignals: 0n,
    descriptors: undefined,
    descriptorLimit: undefined,
    parentPid: PARENT,
  };

  test('the environment is the process’s own', () => {
    expect(inherited(['PATH=/bin', 'NODE_OPTIONS=--inspect'])).toEqual({
      ...nothingSaved,
      environment: ['PATH=/bin', 'NODE_OPTIONS=--inspect'],
      optionsVariable: '',
      args: [],
    });
  });

  test.each([
    launcherVariable.replace('=42 ', '=43 '),
    launcherVariable.replace('=42 ', '=420 '),
    launcherVariable.replace('=42 ', '= '),
    'SUBREAPER_LAUNCHER=',
    'SUBREAPER_LAUNCHER=nonsense',
  ])('another process’s values count for nothing, and go: %s', (variableOfAnother) => {
    const environ = [
      'A=1',
      variableOfAnother,
      saved('1024', ['B=2']),
      'SUBREAPER_SAVED_NODE_OPTIONS=--inspect',
    ];
    expect(inherited(environ)).toEqual({
      ...nothingSaved,
      environment: ['A=1'],
      optionsVariable: '',
      args: [],
    });
  });

  test('variables with names like init’s own stay', () => {
    const environ = [
      'SUBREAPER_OPTIONS_FILE=x',
      'MY_SUBREAPER_OPTIONS=x',
      'SUBREAPER=x',
      'subreaper_options=x',
    ];
    expect(inherited(environ).environment).toEqual(environ);
  });
});

describe('a value', () => {
  test.each([
    ['U+0001 in the middle', 'X=a\x01b'],
    ['U+0001 at the end', 'X=a\x01'],
    ['U+0001 at the start', 'X=\x01a'],
    ['U+0001 alone', 'X=\x01'],
    ['several of them', 'X=\x01\x01a\x01\x01'],
    ['line ends', 'X=a\nb\n\nc\n'],
    ['line ends alone', 'X=\n'],
    ['bytes that are not UTF-8', 'X=\xff\xfe\x80'],
    ['a name that is not UTF-8', '\xe4=\xf6'],
  ])('with %s is kept', (_, entry) => {
    for (const entries of [[entry], [entry, 'Y=1'], ['W=1', entry], ['W=1', entry, 'Y=1']]) {
      expect(inherited([launcherVariable, saved('1', entries)]).environment).toEqual(entries);
    }
  });

  test('is no part of an entry without "="', () => {
    const entries = ['NAME', 'A=1', 'OTHER', 'B=2'];
    expect(inherited([launcherVariable, saved('1', entries)]).environment).toEqual(entries);
  });

  test('with U+0001 before something like an entry is kept', () => {
    const environ = ['X=a\x01LD_PRELOAD=/x', launcherVariable, saved('1', ['X=a\x01LD_PRELOAD=/x'])];
    expect(inherited(environ).environment).toEqual(['X=a\x01LD_PRELOAD=/x']);
  });

  test('that is not UTF-8 is kept without a launcher too', () => {
    expect(inherited(['X=\xff\xfe', '\xe4=\x80']).environment).toEqual(['X=\xff\xfe', '\xe4=\x80']);
  });
});

describe('NODE_OPTIONS', () => {
  test('comes back where the launcher could save nothing else', () => {
    const environ = [
      'A=1',
      launcherVariable,
      'SUBREAPER_LIMIT=1024',
      'SUBREAPER_SAVED_NODE_OPTIONS=--inspect',
    ];
    expect(inherited(environ)).toMatchObject({
      environment: ['A=1', 'NODE_OPTIONS=--inspect'],
      descriptorLimit: 1024n,
    });
  });

  test('comes back empty if it was empty, and not at all if it was not set', () => {
    const environ = ['A=1', launcherVariable, 'SUBREAPER_LIMIT=1024'];
    expect(inherited([...environ, 'SUBREAPER_SAVED_NODE_OPTIONS=']).environment).toEqual([
      'A=1',
      'NODE_OPTIONS=',
    ]);
    expect(inherited(environ).environment).toEqual(['A=1']);
  });

  test('comes back once from a saved environment', () => {
    const environ = [
      launcherVariable,
      'SUBREAPER_SAVED_NODE_OPTIONS=--stale',
      saved('1', ['NODE_OPTIONS=--inspect', 'A=1']),
    ];
    expect(inherited(environ).environment).toEqual(['NODE_OPTIONS=--inspect', 'A=1']);
  });
});

describe('SUBREAPER_OPTIONS', () => {
  const option = 'SUBREAPER_OPTIONS=--scope=child -v';

  test.each([
    ['with a saved environment', [option, launcherVariable, saved('1', ['A=1', option, 'B=2'])]],
    ['where none could be saved', ['A=1', option, 'B=2', launcherVariable, 'SUBREAPER_LIMIT=1']],
    ['without a launcher', ['A=1', option, 'B=2']],
  ])('is read and does not reach the workload: %s', (_, environ) => {
    expect(inherited(environ)).toMatchObject({
      optionsVariable: '--scope=child -v',
      environment: ['A=1', 'B=2'],
    });
  });

  test('is read as UTF-8', () => {
    expect(inherited(['SUBREAPER_OPTIONS=\xc3\xa4\xff']).optionsVariable).toBe('ä\ufffd');
  });

  test('none of init’s variables reaches the workload through the saved environment', () => {
    const own = ['SUBREAPER_LAUNCHER=1 2', 'SUBREAPER_ENVIRON=x', 'SUBREAPER_SAVED_NODE_OPTIONS=x', option];
    const { environment } = inherited([launcherVariable, saved('1', ['A=1', ...own])]);
    expect(environment).toEqual(['A=1']);
  });
});

describe('the arguments', () => {
  const cmdline = ['node', '--v8-pool-size=0', '/bin/subreaper', '-v', '', 'a\xffb', '-v'];

  test.each([
    [0, []],
    [-1, []],
    [1, ['-v']],
    [4, ['-v', '', 'a\xffb', '-v']],
  ])('are the last %i of the command line', (count, expected) => {
    expect(inherited([], cmdline, count).args).toEqual(expected);
  });

  test('are the same with a launcher', () => {
    expect(inherited([launcherVariable], cmdline, 3).args).toEqual(['', 'a\xffb', '-v']);
  });
});

describe('a variable', () => {
  test.each([
    ['A', '1'],
    ['B', ''],
    ['C', 'x=y'],
    ['TWICE', 'first'],
    ['AB', undefined],
    ['a', undefined],
    ['D', undefined],
  ])('%s is looked up as getenv(3) does', (name, expected) => {
    const environ = bytes(['AA=0', 'A=1', 'B=', 'C=x=y', 'TWICE=first', 'TWICE=second', 'D']);
    expect(variable(environ, name)).toBe(expected);
  });

  test('turns from bytes to text', () => {
    expect(fromBytes('gr\xc3\xbc\xc3\x9fe \xff' as ByteString)).toBe('grüße \ufffd');
  });
});
