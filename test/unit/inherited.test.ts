import { describe, expect, test } from 'vitest';
import { fromBytes, variable } from '../../src/native/byte-strings.ts';
import type { ByteString, Pid } from '../../src/native/types.ts';
import { type Inherited, parseInherited } from '../../src/start/inherited.ts';

const PID = 42;
const PARENT = 7;

const bytes = (strings: readonly string[]) => strings as readonly ByteString[];

/** An environment as the launcher's child writes it and the kernel holds it: NUL ends every entry. */
const saved = (entries: readonly string[]) => `${entries.map((entry) => `${entry}\0`).join('')}${PID}\n`;

const PIPE = 3;
const CHILD = 43;
const launcherVariable = `SUBREAPER_LAUNCHER=42 1 0000000000004000 0000000000001000 1024 ${PIPE} ${CHILD} 0 1 2 5 17`;
/** The variables of a launcher that could not make a pipe. */
const withoutPipe = 'SUBREAPER_LAUNCHER=42 1 0000000000004000 0000000000001000 1024   0 1 2 5 17';

/**
 * @param environ  init's own environment
 * @param fromPipe  what the launcher's child wrote; undefined if the pipe is lost
 * @param started  how init was started, if not by the launcher
 */
function inherited(
  environ: readonly string[],
  fromPipe?: string,
  started?: 'without a launcher' | 'by a script in between',
): Inherited {
  const variables = Object.fromEntries(
    environ
      .map((entry) => entry.split(/=(.*)/s) as [string, string])
      .map(([name, value]) => [name, fromBytes(value as ByteString)]),
  );
  return parseInherited({
    variables,
    launcherVariables: started === 'without a launcher' ? {} : variables,
    readEnviron: () => bytes(environ),
    readSaved(descriptor, end) {
      expect(started).not.toBe('without a launcher');
      expect([descriptor, end]).toEqual([PIPE, `${PID}\n`]);
      return fromPipe;
    },
    args: [],
    pid: started === 'by a script in between' ? PID + 2 : PID,
    parentPid: PARENT as Pid,
  });
}

describe('with what the launcher saved', () => {
  test('all of it is put back', () => {
    const entries = ['PATH=/bin', 'a.b=1', 'NODE_OPTIONS=--inspect', 'EMPTY=', 'EQUALS=a=b'];
    expect(inherited(['PWD=/', launcherVariable], saved(entries))).toEqual({
      environment: entries,
      optionsVariable: '',
      args: [],
      blockedSignals: 1n << 14n,
      ignoredSignals: 1n << 12n,
      descriptors: [0, 1, 2, 5, 17],
      descriptorLimit: 1024n,
      parentPid: 1,
      streams: [0, 1, 2],
      launcherChild: CHILD,
    });
  });

  test('all 64 signals keep their bits', () => {
    const { blockedSignals, ignoredSignals } = inherited([
      'SUBREAPER_LAUNCHER=42 1 fffffffffffffffe 8000000000000001 1024   0',
    ]);
    expect(blockedSignals).toBe(2n ** 64n - 2n);
    expect(ignoredSignals).toBe(2n ** 63n + 1n);
  });

  test('the order of the entries and double ones stay', () => {
    const entries = ['Z=1', 'A=2', 'Z=3'];
    expect(inherited([launcherVariable], saved(entries)).environment).toEqual(entries);
  });

  test('the environment is the saved one, not what the shell passed on', () => {
    const environ = ['PWD=/made/by/the/shell', 'SHLVL=1', launcherVariable];
    expect(inherited(environ, saved(['A=1'])).environment).toEqual(['A=1']);
    expect(inherited(environ, saved([])).environment).toEqual([]);
  });

  test('the limit of descriptors is known', () => {
    const table = [
      ['1024', 1024n],
      ['0', 0n],
      ['9223372036854775808', 2n ** 63n],
      ['unlimited', 2n ** 64n - 1n],
      ['', undefined],
      ['hard', undefined],
    ] as const;
    for (const [limit, expected] of table) {
      const environ = [launcherVariable.replace(' 1024 ', ` ${limit} `)];
      expect(inherited(environ, saved(['A=1'])).descriptorLimit, limit).toBe(expected);
      expect(inherited(environ, '').descriptorLimit, limit).toBe(expected);
    }
  });

  test('without a pipe the same comes in base64', () => {
    const entries = ['X=a\nb\xff', 'a.b=1'];
    const bytes = Buffer.from(entries.map((entry) => `${entry}\0`).join(''), 'latin1');
    // base64(1) breaks lines after 76 characters. Command substitution removes the last line end.
    const base64 = bytes.toString('base64').replace(/.{8}(?=.)/g, '$&\n');
    expect(inherited(['PWD=/', withoutPipe, `SUBREAPER_ENVIRON=${base64}`])).toMatchObject({
      environment: entries,
      descriptorLimit: 1024n,
      descriptors: [0, 1, 2, 5, 17],
      streams: [0, 1, 2],
      launcherChild: undefined,
    });
    expect(inherited(['PWD=/', withoutPipe, 'SUBREAPER_ENVIRON='])).toMatchObject({
      environment: [],
      descriptorLimit: 1024n,
    });
  });

  test('which descriptors were closed is known', () => {
    expect(inherited(['SUBREAPER_LAUNCHER=42 1 0 0 1024   1 2']).descriptors).toEqual([1, 2]);
  });

  test('without /proc there is a parent only', () => {
    expect(inherited(['A=1', 'SUBREAPER_LAUNCHER=42 1 0 0 256  '])).toEqual({
      environment: ['A=1'],
      optionsVariable: '',
      args: [],
      blockedSignals: 0n,
      ignoredSignals: 0n,
      descriptors: undefined,
      descriptorLimit: 256n,
      parentPid: 1,
      streams: [0, 1, 2],
      launcherChild: undefined,
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
    streams: [0, 1, 2],
    launcherChild: undefined,
  };

  test('the environment is the process’s own', () => {
    expect(inherited(['PATH=/bin', 'NODE_OPTIONS=--inspect'], undefined, 'without a launcher')).toEqual({
      ...nothingSaved,
      environment: ['PATH=/bin', 'NODE_OPTIONS=--inspect'],
      optionsVariable: '',
      args: [],
    });
  });

  test.each([
    launcherVariable,
    launcherVariable.replace('=42 ', '=43 '),
    'SUBREAPER_LAUNCHER=',
    'SUBREAPER_LAUNCHER=nonsense',
  ])('values from outside count for nothing, and go: %s', (fromOutside) => {
    const environ = [
      'A=1',
      fromOutside,
      'SUBREAPER_ENVIRON=QT0yAA==',
      'SUBREAPER_SAVED=NODE_OPTIONS',
      'SUBREAPER_SAVED_NODE_OPTIONS=--inspect',
    ];
    expect(inherited(environ, undefined, 'without a launcher')).toEqual({
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
      expect(inherited([launcherVariable], saved(entries)).environment).toEqual(entries);
    }
  });

  test('is no part of an entry without "="', () => {
    const entries = ['NAME', 'A=1', 'OTHER', 'B=2'];
    expect(inherited([launcherVariable], saved(entries)).environment).toEqual(entries);
  });

  test('with U+0001 before something like an entry is kept', () => {
    const environ = ['X=a\x01LD_PRELOAD=/x', launcherVariable];
    expect(inherited(environ, saved(['X=a\x01LD_PRELOAD=/x'])).environment).toEqual(['X=a\x01LD_PRELOAD=/x']);
  });

  test('that is not UTF-8 is kept without a launcher too', () => {
    expect(inherited(['X=\xff\xfe', '\xe4=\x80']).environment).toEqual(['X=\xff\xfe', '\xe4=\x80']);
  });
});

describe('NODE_OPTIONS', () => {
  const moved = ['SUBREAPER_SAVED=NODE_OPTIONS', 'SUBREAPER_SAVED_NODE_OPTIONS=--inspect'];

  test('comes back where the launcher could save nothing else', () => {
    expect(inherited(['A=1', withoutPipe, ...moved])).toMatchObject({
      environment: ['A=1', 'NODE_OPTIONS=--inspect'],
      descriptorLimit: 1024n,
    });
  });

  test('comes back empty if it was empty, and not at all if it was not set', () => {
    const empty = ['SUBREAPER_SAVED=NODE_OPTIONS', 'SUBREAPER_SAVED_NODE_OPTIONS='];
    expect(inherited(['A=1', withoutPipe, ...empty]).environment).toEqual(['A=1', 'NODE_OPTIONS=']);
    expect(inherited(['A=1', withoutPipe, 'SUBREAPER_SAVED=']).environment).toEqual(['A=1']);
  });

  test('comes back once from a saved environment', () => {
    const fromPipe = saved(['NODE_OPTIONS=--inspect', 'A=1']);
    const { environment } = inherited([launcherVariable, ...moved], fromPipe);
    expect(environment).toEqual(['NODE_OPTIONS=--inspect', 'A=1']);
  });

  test.each([
    ['nothing', ''],
    ['a part of the environment', 'A=1\0B='],
    ['a part that ends with an entry', 'A=1\0'],
    ['a part that ends with a line end', 'A=1\n'],
    ['a part that ends with a number and a line end', `A=${PID}\n`],
    ['a part that ends with another number', 'A=1\x001\n'],
    ['to a pipe that is lost', undefined],
  ])('comes back where the launcher’s child wrote %s', (_, fromPipe) => {
    const environ = ['A=1', 'B=2', launcherVariable, ...moved];
    expect(inherited(environ, fromPipe).environment).toEqual(['A=1', 'B=2', 'NODE_OPTIONS=--inspect']);
  });

  test('comes with nothing that the launcher did not save', () => {
    const environ = ['A=1', withoutPipe, ...moved, 'SUBREAPER_SAVED_LD_PRELOAD=/x', 'SUBREAPER_SAVED_=y'];
    expect(inherited(environ).environment).toEqual(['A=1', 'NODE_OPTIONS=--inspect']);
  });
});

describe('with a script as node, which does not become node', () => {
  test('all of what the launcher saved is put back, and its child is not init’s', () => {
    const fromPipe = saved(['A=1']);
    expect(inherited([launcherVariable], fromPipe, 'by a script in between')).toEqual({
      ...inherited([launcherVariable], fromPipe),
      parentPid: PARENT,
      streams: [0, 1, 2],
      launcherChild: undefined,
    });
  });

  test('descriptors from 3 up count as closed where the pipe among them is', () => {
    const { descriptors } = inherited([launcherVariable], undefined, 'by a script in between');
    expect(descriptors).toEqual([0, 1, 2]);
  });

  test('the same where there was no pipe', () => {
    const { descriptors } = inherited([withoutPipe], undefined, 'by a script in between');
    expect(descriptors).toEqual([0, 1, 2]);
  });
});

describe('SUBREAPER_OPTIONS', () => {
  const option = 'SUBREAPER_OPTIONS=--scope=child -v';

  test.each([
    ['with a saved environment', [option, launcherVariable], saved(['A=1', option, 'B=2'])],
    ['where none could be saved', ['A=1', option, 'B=2', withoutPipe], undefined],
    ['without a launcher', ['A=1', option, 'B=2'], undefined],
  ])('is read and does not reach the workload: %s', (_, environ, fromPipe) => {
    expect(inherited(environ, fromPipe)).toMatchObject({
      optionsVariable: '--scope=child -v',
      environment: ['A=1', 'B=2'],
    });
  });

  test('is read as UTF-8', () => {
    expect(inherited(['SUBREAPER_OPTIONS=\xc3\xa4\xff']).optionsVariable).toBe('ä\ufffd');
  });

  test('none of init’s variables reaches the workload through the saved environment', () => {
    const own = [
      'SUBREAPER_LAUNCHER=1 2',
      'SUBREAPER_SAVED=NODE_OPTIONS',
      'SUBREAPER_ENVIRON=x',
      'SUBREAPER_SAVED_NODE_OPTIONS=x',
      option,
    ];
    const { environment } = inherited([launcherVariable], saved(['A=1', ...own]));
    expect(environment).toEqual(['A=1']);
  });
});

describe('a variable', () => {
  test('is looked up as getenv(3) does', () => {
    const environ = bytes(['AA=0', 'A=1', 'B=', 'C=x=y', 'TWICE=first', 'TWICE=second', 'D']);
    const table = [
      ['A', '1'],
      ['B', ''],
      ['C', 'x=y'],
      ['TWICE', 'first'],
      ['AB', undefined],
      ['a', undefined],
      ['D', undefined],
    ] as const;
    for (const [name, expected] of table) expect(variable(environ, name), name).toBe(expected);
  });

  test('turns from bytes to text', () => {
    expect(fromBytes('gr\xc3\xbc\xc3\x9fe \xff' as ByteString)).toBe('grüße \ufffd');
  });
});
