import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Invocation, parseCommandLine } from '../../src/cli/command-line.ts';
import { helpText } from '../../src/cli/help.ts';
import { options } from '../../src/cli/options.ts';
import type { InitOptions } from '../../src/init/options.ts';
import { Failure } from '../../src/lifecycle/failure.ts';
import { launcher } from '../helpers/environment.ts';

/** "what, why; what to do" on one line. */
const oneLine = /^[^\n]+, [^\n]+; [^\n]+$/;

function parse(args: readonly string[], optionsVariable = ''): Invocation {
  return parseCommandLine(optionsVariable, args);
}

/** The settings of a command line that runs a command. */
function optionsOf(args: readonly string[], optionsVariable = ''): InitOptions {
  const invocation = parse([...args, 'command'], optionsVariable);
  if (invocation.kind !== 'run') throw new Error(`it asks for ${invocation.kind}`);
  expect(invocation.operands, args.join(' ')).toBe(1);
  return invocation.options;
}

function refusal(args: readonly string[], optionsVariable = ''): Failure {
  try {
    parse(args, optionsVariable);
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error(`accepted: ${JSON.stringify(args)}`);
}

/** Expects 125, and one line that says this. */
function expectRefusal(args: readonly string[], says: readonly string[], optionsVariable = ''): void {
  const row = JSON.stringify([args, optionsVariable]);
  const { status, message } = refusal(args, optionsVariable);
  expect(status, row).toBe(125);
  expect(message, row).toMatch(oneLine);
  for (const part of says) expect(message, row).toContain(part);
}

describe('an option', () => {
  test('is not needed: the defaults', () => {
    // The table must have a default for every option of init, and for nothing else.
    expect(optionsOf([])).toStrictEqual({
      scope: 'group',
      rewrite: new Map(),
      remapExit: new Map(),
      graceMs: 2000,
      until: 'main',
      stopDelayMs: 0,
      stopTimeoutMs: undefined,
      restart: { kind: 'no' },
      pause: false,
      parentDeathSignal: undefined,
      untilOwner: false,
      untilStdinCloses: false,
      terminationLog: undefined,
      report: undefined,
      trace: undefined,
      leads: 'group',
      subreaper: true,
      catchFaults: false,
      suspendOn: [],
      survivors: 'end',
      logLevel: 'warn',
      logFormat: undefined,
    } satisfies InitOptions);
  });

  test('is read', () => {
    const table = [
      [['--scope', 'child'], { scope: 'child' }],
      [['--scope=child'], { scope: 'child' }],
      [['--scope', 'group'], { scope: 'group' }],
      [['--scope', 'tree'], { scope: 'tree' }],
      [['--scope=tree'], { scope: 'tree' }],
      [['--grace', '0'], { graceMs: 0 }],
      [['--grace', '500ms'], { graceMs: 500 }],
      [['--grace=10s'], { graceMs: 10_000 }],
      [['--grace', '1.5m'], { graceMs: 90_000 }],
      [['--until', 'all'], { until: 'all' }],
      [['--until=main'], { until: 'main' }],
      [['--stop-timeout', '20'], { stopTimeoutMs: 20_000 }],
      [['--stop-timeout=0'], { stopTimeoutMs: 0 }],
      [['--stop-delay', '5s'], { stopDelayMs: 5000 }],
      [['--stop-delay=250ms'], { stopDelayMs: 250 }],
      [['--restart', 'no'], { restart: { kind: 'no' } }],
      [['--restart=always'], { restart: { kind: 'always' } }],
      [['--restart', 'on-failure'], { restart: { kind: 'on-failure', limit: Number.POSITIVE_INFINITY } }],
      [['--restart=on-failure:1'], { restart: { kind: 'on-failure', limit: 1 } }],
      [['--restart', 'on-failure:100'], { restart: { kind: 'on-failure', limit: 100 } }],
      [['--rewrite', 'TERM:INT'], { rewrite: new Map([[15, 2]]) }],
      [['--rewrite=TERM:INT'], { rewrite: new Map([[15, 2]]) }],
      [['-r', 'SIGTERM:SIGINT'], { rewrite: new Map([[15, 2]]) }],
      [['-rTERM:INT'], { rewrite: new Map([[15, 2]]) }],
      [['-r', '15:2'], { rewrite: new Map([[15, 2]]) }],
      [['-r', 'HUP:0'], { rewrite: new Map([[1, 'drop']]) }],
      [['-r', 'rtmin+3:USR2'], { rewrite: new Map([[37, 12]]) }],
      [['-r', 'TERM:KILL'], { rewrite: new Map([[15, 9]]) }],
      [['--remap-exit', '143'], { remapExit: new Map([[143, 0]]) }],
      [['--remap-exit=143:1'], { remapExit: new Map([[143, 1]]) }],
      [['-e', '0:255'], { remapExit: new Map([[0, 255]]) }],
      [['-e3'], { remapExit: new Map([[3, 0]]) }],
      [['-e3:4'], { remapExit: new Map([[3, 4]]) }],
      [['--parent-death-signal', 'TERM'], { parentDeathSignal: 15 }],
      [['--parent-death-signal=KILL'], { parentDeathSignal: 9 }],
      [['-p', 'RTMAX-1'], { parentDeathSignal: 63 }],
      [['-p9'], { parentDeathSignal: 9 }],
      [['--termination-log', '/tmp/why'], { terminationLog: '/tmp/why' }],
      [['--report', 'r.json'], { report: `${process.cwd()}/r.json` }],
      [['--report=-'], { report: '-' }],
      [['--trace', 't.json'], { trace: `${process.cwd()}/t.json` }],
      [['--termination-log=why'], { terminationLog: `${process.cwd()}/why` }],
      [['--log-level', 'silent'], { logLevel: 'silent' }],
      [['--log-level=trace'], { logLevel: 'trace' }],
      [['-v'], { logLevel: 'info' }],
      [['-vv'], { logLevel: 'debug' }],
      [['-v', '-v', '-v'], { logLevel: 'trace' }],
      [['-vvvvvvvv'], { logLevel: 'trace' }],
      [['-q'], { logLevel: 'error' }],
      [['-qqqqqqqq'], { logLevel: 'silent' }],
      [['-vvq'], { logLevel: 'info' }],
      [['--log-level', 'error', '-v'], { logLevel: 'warn' }],
      [['--log-format', 'pretty'], { logFormat: 'pretty' }],
      [['--log-format=json'], { logFormat: 'json' }],
    ] as const;
    for (const [args, expected] of table) expect(optionsOf(args), args.join(' ')).toMatchObject(expected);
  });

  test('with a value may end a word of short options', () => {
    expect(optionsOf(['-vvrTERM:INT'])).toMatchObject({ logLevel: 'debug', rewrite: new Map([[15, 2]]) });
    expect(optionsOf(['-ve', '3:4'])).toMatchObject({ logLevel: 'info', remapExit: new Map([[3, 4]]) });
  });

  test('that is repeatable adds up, one signal or status at a time', () => {
    expect(optionsOf(['-r', 'TERM:INT', '-rHUP:0', '--rewrite=USR1:USR2']).rewrite).toEqual(
      new Map<number, number | 'drop'>([
        [15, 2],
        [1, 'drop'],
        [10, 12],
      ]),
    );
    expect(optionsOf(['-e', '3:4', '-e5']).remapExit).toEqual(
      new Map([
        [3, 4],
        [5, 0],
      ]),
    );
  });

  test('--dialect ends them: the rest is for another program', () => {
    expect(parse(['--grace=0', '--dialect', 'tini', '-g', '--', 'x'])).toMatchObject({
      kind: 'dialect',
      name: 'tini',
      options: { graceMs: 0 },
      operands: 3,
    });
    expect(parse(['--dialect=dumb-init'])).toMatchObject({ name: 'dumb-init', operands: 0 });
    expectRefusal(['x'], ['SUBREAPER_OPTIONS holds --dialect'], '--dialect tini');
  });

  test('that comes later wins', () => {
    expect(optionsOf(['--scope=child', '--scope=group']).scope).toBe('group');
    expect(optionsOf(['-r', 'TERM:INT', '-r', '15:0']).rewrite).toEqual(new Map([[15, 'drop']]));
    expect(optionsOf(['-e', '3:4', '-e', '3:5']).remapExit).toEqual(new Map([[3, 5]]));
    expect(optionsOf(['-p', 'TERM', '-p', 'KILL']).parentDeathSignal).toBe(9);
    expect(optionsOf(['-vvv', '--log-level', 'error']).logLevel).toBe('error');
    expect(optionsOf(['--grace', '1s', '--grace', '0']).graceMs).toBe(0);
    expect(optionsOf(['--until', 'all', '--until', 'main']).until).toBe('main');
    expect(optionsOf(['--restart', 'on-failure:3', '--restart', 'always']).restart).toEqual({
      kind: 'always',
    });
  });

  test('keeps a value of its own after "="', () => {
    expect(refusal(['--scope=a=b', 'command']).message).toContain("'a=b'");
  });
});

describe('--pause', () => {
  test('takes no command', () => {
    for (const args of [['--pause'], ['--pause', '--'], ['-v', '--pause', '--grace', '1s']]) {
      expect(parse(args), args.join(' ')).toMatchObject({
        kind: 'run',
        operands: 0,
        options: { pause: true },
      });
    }
  });

  test('refuses one', () => {
    const table = [
      [['--pause', '--', 'cmd'], ''],
      [['--pause', 'cmd', 'argument'], ''],
      [['cmd'], '--pause'],
    ] as const;
    const says = ['--pause with a command, --pause runs no command; leave one of them out'];
    for (const [args, variable] of table) expectRefusal(args, says, variable);
  });

  test('that is the command’s is not init’s', () => {
    expect(optionsOf([])).toMatchObject({ pause: false });
    expect(parse(['command', '--pause'])).toMatchObject({ operands: 2, options: { pause: false } });
  });
});

describe('options end', () => {
  test('at the first operand or "--"', () => {
    const table = [
      [['command'], 1],
      [['command', 'argument'], 2],
      [['command', '-v', '--scope', 'nonsense', '-h'], 5],
      [['--', 'command'], 1],
      [['--', '-v'], 1],
      [['--', '--', 'x'], 2],
      [['-v', '--', 'command', '--', '-x'], 3],
      [['--scope', 'child', 'command', '-q'], 2],
      [['-'], 1],
      [['', 'argument'], 2],
    ] as const;
    for (const [args, operands] of table) {
      expect(parse(args), args.join(' ')).toMatchObject({ kind: 'run', operands });
    }
  });

  test('and what stands behind is not read', () => {
    expect(parse(['-v', 'command', '-v'])).toMatchObject({ options: { logLevel: 'info' } });
  });
});

describe('SUBREAPER_OPTIONS', () => {
  test('is read before the arguments, which win', () => {
    expect(optionsOf([], '--scope=child -r TERM:INT')).toMatchObject({
      scope: 'child',
      rewrite: new Map([[15, 2]]),
    });
    expect(optionsOf(['--scope', 'group'], '--scope child').scope).toBe('group');
    expect(optionsOf(['-v'], '--log-level error').logLevel).toBe('warn');
  });

  test('may be empty, hold white space only, or an end of options', () => {
    for (const variable of ['', ' \t\n ', '--', '-v --']) {
      expect(parse(['command'], variable)).toMatchObject({ kind: 'run', operands: 1 });
    }
    expect(optionsOf([], '\t-v\n -v ').logLevel).toBe('debug');
  });

  test('with an operand is refused', () => {
    const table = [
      ['echo', "'echo'"],
      ['-v echo hello', "'echo'"],
      ['-v -- echo', "'echo'"],
      ['-- -v', "'-v'"],
    ] as const;
    for (const [variable, named] of table) {
      expectRefusal(['command'], [`SUBREAPER_OPTIONS holds ${named}`], variable);
    }
  });

  test('does not take its last value from the arguments', () => {
    expect(refusal(['TERM:INT', 'command'], '-r').message).toContain('-r has no value');
  });

  test('asks for help and version too', () => {
    expect(parse(['command'], '-h')).toEqual({ kind: 'help' });
    expect(parse([], '--version')).toEqual({ kind: 'version' });
  });
});

describe('help and version', () => {
  test('are asked for', () => {
    const table = [
      [['-h'], 'help'],
      [['--help'], 'help'],
      [['-V'], 'version'],
      [['--version'], 'version'],
      [['-vh'], 'help'],
      [['-hq', 'command'], 'help'],
      [['--scope', 'child', '-V', '--', 'command'], 'version'],
    ] as const;
    for (const [args, kind] of table) expect(parse(args), args.join(' ')).toEqual({ kind });
  });

  test('doctor is asked for by the first argument, unless it is the command', () => {
    const asked = { kind: 'doctor', json: false, operands: 0 };
    expect(parse(['doctor'])).toEqual(asked);
    expect(parse(['doctor', '--json', '--', 'npm', 'start'])).toEqual({ ...asked, json: true, operands: 2 });
    expect(parse(['doctor', 'npm', '--json'])).toEqual({ ...asked, operands: 2 });
    expect(parse(['doctor', '--help'])).toEqual({ kind: 'help' });
    expect(parse(['doctor', '-'])).toEqual({ ...asked, operands: 1 });
    expect(parse(['doctor'], '-q')).toEqual(asked);
    for (const args of [
      ['--', 'doctor'],
      ['-v', 'doctor'],
    ])
      expect(parse(args)).toMatchObject({ kind: 'run', operands: 1 });
  });

  test('prepare is asked for by the only argument, unless it is the command', () => {
    expect(parse(['prepare'])).toEqual({ kind: 'prepare' });
    expect(parse(['prepare', '-h'])).toEqual({ kind: 'help' });
    expect(parse(['--', 'prepare'])).toMatchObject({ kind: 'run', operands: 1 });
  });

  test('the help names every option', () => {
    const text = helpText();
    for (const { long, short, help } of options) {
      const line = text.split('\n').find((row) => row.endsWith(help));
      for (const name of [long, short]) if (name !== undefined) expect(line?.split(/[ ,]+/)).toContain(name);
    }
  });
});

describe('wrong usage', () => {
  const cases: readonly { args: string[]; says: string[] }[] = [
    { args: ['--grace', 'x'], says: ["--grace cannot be 'x'", 'a duration', 'try 500ms, 10s or 2m'] },
    { args: ['--grace', '-1'], says: ["--grace cannot be '-1'", 'try 500ms'] },
    { args: ['--grace', '1h'], says: ["--grace cannot be '1h'", 'try 500ms'] },
    {
      args: ['--grace=999999999m'],
      says: ["--grace cannot be '999999999m'", 'the longest duration is 24 days'],
    },
    { args: ['--grace='], says: ["--grace cannot be ''", 'try 500ms'] },
    { args: ['--stop-timeout', '5x'], says: ["--stop-timeout cannot be '5x'", "no unit 'x'", 'try 500ms'] },
    { args: ['--grace', '1h'], says: ["--grace cannot be '1h'", "no unit 'h'", 'or 2m'] },
    { args: ['--grace', '10S'], says: ["no unit 'S'"] },
    { args: ['--grace', '-5'], says: ["--grace cannot be '-5'", 'a number and a unit'] },
    { args: ['--grace', '10 s'], says: ["--grace cannot be '10 s'", 'a number and a unit'] },
    { args: ['--grace', '2147483648ms'], says: ['the longest duration is 24 days'] },
    { args: ['--stop-delay', ''], says: ["--stop-delay cannot be ''", 'a duration', 'try 500ms'] },
    { args: ['--until', 'al'], says: ["--until cannot be 'al'", 'it takes main, all', 'try --until all'] },
    { args: ['--until', 'mian'], says: ["--until cannot be 'mian'", 'try --until main'] },
    {
      args: ['--restart', 'sometimes'],
      says: ["--restart cannot be 'sometimes'", 'it takes no, always, on-failure', 'use one of these'],
    },
    { args: ['--restart', 'alway'], says: ["'alway'", 'try --restart always'] },
    { args: ['--restart', 'onfailure'], says: ["'onfailure'", 'try --restart on-failure'] },
    { args: ['--restart', 'always:3'], says: ["--restart cannot be 'always:3'", 'try --restart always'] },
    { args: ['--restart', 'no:1'], says: ["'no:1'", 'it takes no, always, on-failure; use one of these'] },
    { args: ['--restart='], says: ["--restart cannot be ''", 'on-failure; use one of these'] },
    {
      args: ['--restart', 'on-failure:0'],
      says: ["--restart cannot be 'on-failure:0'", 'N is a number of restarts', 'try on-failure:3'],
    },
    { args: ['--restart', 'on-failure:x'], says: ["'on-failure:x'", 'try on-failure:3'] },
    { args: ['--restart', 'on-failure:-1'], says: ["'on-failure:-1'", 'try on-failure:3'] },
    { args: ['--restart', 'on-failure:1.5'], says: ["'on-failure:1.5'", 'try on-failure:3'] },
    { args: ['--restart', 'on-failure:'], says: ["'on-failure:'", 'try on-failure:3'] },
    { args: ['--restart', 'on-failure:3:4'], says: ["'on-failure:3:4'", 'try on-failure:3'] },
    { args: ['--pause=1'], says: ["--pause cannot be '1'", 'it takes no value', 'write --pause alone'] },
    { args: ['--graec', '1s'], says: ["unknown option '--graec'", 'the nearest one is --grace;'] },
    { args: ['--stop', '1s'], says: ["unknown option '--stop'", 'the nearest one is --stop-'] },
    { args: ['-r', 'TERM'], says: ["--rewrite cannot be 'TERM'", 'FROM:TO', 'try -r TERM:INT'] },
    { args: ['-r', 'TERM:'], says: ["--rewrite cannot be 'TERM:'", 'FROM:TO'] },
    { args: ['-r', ':INT'], says: ["--rewrite cannot be ':INT'", 'FROM:TO'] },
    { args: ['-r', 'TERM:INT:HUP'], says: ["--rewrite cannot be 'TERM:INT:HUP'", 'FROM:TO'] },
    { args: ['-r', 'TERM:FOO'], says: ["'FOO'", 'no such signal', '1 to 64'] },
    { args: ['-r', 'TREM1:INT'], says: ["'TREM1'", 'no such signal'] },
    { args: ['-r', 'KILL:TERM'], says: ["'KILL:TERM'", "does not forward 'KILL'"] },
    { args: ['-r', 'STOP:TERM'], says: ["'STOP:TERM'", "does not forward 'STOP'"] },
    { args: ['-r', 'CHLD:TERM'], says: ["'CHLD:TERM'", "does not forward 'CHLD'"] },
    { args: ['-r', 'SEGV:TERM'], says: ["'SEGV:TERM'", "does not forward 'SEGV'"] },
    { args: ['-r', '33:TERM'], says: ["'33:TERM'", "does not forward '33'"] },
    { args: ['-e', '300'], says: ["--remap-exit cannot be '300'", '0 to 255', 'try -e 143'] },
    { args: ['-e', 'x'], says: ["--remap-exit cannot be 'x'", '0 to 255', 'try -e 143'] },
    { args: ['-e', '3:999'], says: ["--remap-exit cannot be '3:999'", '0 to 255'] },
    { args: ['-e', '3:'], says: ["--remap-exit cannot be '3:'"] },
    { args: ['-e', '-1'], says: ["--remap-exit cannot be '-1'"] },
    { args: ['-e', ''], says: ["--remap-exit cannot be ''"] },
    { args: ['--scoop', 'child'], says: ["unknown option '--scoop'", 'the nearest one is --scope;'] },
    { args: ['--scoop=child'], says: ["unknown option '--scoop'", 'the nearest one is --scope;'] },
    { args: ['--rewite', 'HUP:0'], says: ["'--rewite'", 'the nearest one is --rewrite;'] },
    { args: ['--delay', '1s'], says: ["'--delay'", 'the nearest one is --stop-delay;'] },
    { args: ['doctor', '--grace', '1s'], says: ["doctor with '--grace'", 'its one option is --json'] },
    { args: ['prepare', 'db'], says: ['prepare with arguments', 'it takes none', 'write -- before it'] },
    { args: ['--doctor'], says: ["unknown option '--doctor'"] },
    { args: ['--verison'], says: ["'--verison'", 'the nearest one is --version;'] },
    { args: ['--log_level', 'info'], says: ["'--log_level'", 'the nearest one is --log-level;'] },
    {
      args: ['--scope', 'tre'],
      says: ["--scope cannot be 'tre'", 'it takes group, child, tree', 'try --scope tree'],
    },
    { args: ['--scope', 'chlid'], says: ["--scope cannot be 'chlid'", 'try --scope child'] },
    { args: ['--scope', 'Group'], says: ["--scope cannot be 'Group'", 'try --scope group'] },
    { args: ['--scope='], says: ["--scope cannot be ''", 'it takes group, child'] },
    { args: ['--log-level', 'wran'], says: ["'wran'", 'try --log-level warn'] },
    { args: ['--log-level', 'WARN'], says: ["'WARN'", 'try --log-level warn'] },
    {
      args: ['--log-format', 'prety'],
      says: ["'prety'", 'it takes json, pretty', 'try --log-format pretty'],
    },
    { args: ['-p', 'SIGTRM'], says: ["--parent-death-signal cannot be 'SIGTRM'", 'try TERM,'] },
    { args: ['-p', 'kil'], says: ["'kil'", 'try KILL,'] },
    { args: ['-p', '0'], says: ["'0'", 'no such signal', '1 to 64'] },
    { args: ['-p', '65'], says: ["'65'", 'no such signal', '1 to 64'] },
    { args: ['-p', 'RTMIN+31'], says: ["'RTMIN+31'", 'no such signal', 'RTMIN+n'] },
    { args: ['-p', '99'], says: ["'99'", 'no such signal; try TERM, a number from 1 to 64'] },
    // Nothing is near.
    { args: ['-x'], says: ["unknown option '-x', no option has a similar name; see"] },
    { args: ['--x'], says: ["unknown option '--x', no option has a similar name; see"] },
    { args: ['--bogus'], says: ["unknown option '--bogus', no option has a similar name; see"] },
    { args: ['--=1'], says: ["unknown option '--', no option has a similar name; see"] },
    { args: ['--scope', 'x'], says: ["'x', it takes group, child, tree; use one of these"] },
    // Of tini, dumb-init and catatonit.
    { args: ['-g'], says: ['--scope group', 'the default', '--dialect'] },
    { args: ['-s'], says: ['subreaper is always a subreaper'] },
    { args: ['-w'], says: ['-vv'] },
    { args: ['-c'], says: ['--scope child'] },
    { args: ['--single-child'], says: ['--scope child'] },
    { args: ['--verbose'], says: ['the equivalent is -v;'] },
    { args: ['-P'], says: ['--pause'] },
    { args: ['-l'], says: ['LICENSE'] },
    { args: ['-L'], says: ['LICENSE'] },
    // Several in a word, and with a value.
    { args: ['-sg'], says: ["'-s'", 'subreaper is always a subreaper'] },
    { args: ['-wvs'], says: ["'-w'", '-vv'] },
    { args: ['--dialect', 'tiny'], says: ["--dialect cannot be 'tiny'", 'tini'] },
    { args: ['--pause', '--dialect', 'tini'], says: ['--pause with --dialect'] },
    { args: ['-vx'], says: ["unknown option '-x'"] },
    { args: ['-hx'], says: ["unknown option '-x'"] },
    { args: ['-v=3'], says: ["unknown option '-='"] },
    { args: ['--help=1'], says: ["--help cannot be '1'", 'no value'] },
    { args: ['--version='], says: ["--version cannot be ''", 'no value'] },
  ];

  test('is told in one line', () => {
    for (const { args, says } of cases) expectRefusal([...args, 'command'], says);
  });

  test('an option without its value', () => {
    const table = [
      [['--log-format'], '--log-format json|pretty'],
      [['--scope'], '--scope group|child|tree'],
      [['--grace'], '--grace DURATION'],
      [['--until'], '--until main|all'],
      [['--stop-timeout'], '--stop-timeout DURATION'],
      [['--stop-delay'], '--stop-delay DURATION'],
      [['--restart'], '--restart no|on-failure[:N]|always'],
      [['-r'], '-r FROM:TO'],
      [['-vve'], '-e CODE[:TO]'],
      [['-p'], '-p SIGNAL'],
    ] as const;
    for (const [args, hint] of table) expectRefusal(args, ['has no value', hint]);
  });

  test('no command', () => {
    const says = ['no command', 'subreaper [options] -- command'];
    for (const args of [[], ['-v'], ['--'], ['--scope', 'child', '--']]) expectRefusal(args, says);
  });

  test('stays one line whatever was typed', () => {
    const { message } = refusal(['--scope', 'a\nb\tc\u001b[31m', 'command']);
    expect(message).toMatch(oneLine);
    expect(message).toContain(String.raw`'a\nb\tc\u001b[31m'`);
  });

  test('-p TREM names TERM', () => {
    expect(refusal(['-p', 'TREM', 'command']).message).toContain('try TERM,');
  });

  // U+009B alone starts an escape sequence of a terminal.
  test('escapes DEL and the control characters from U+0080 on', () => {
    expect(refusal(['--scope', '\u007f\u009b31m', 'command']).message).not.toMatch(/\p{Cc}/u);
  });
});

test('--pause has nothing to start again', () => {
  expectRefusal(['--pause', '--restart', 'always'], ['--pause with --restart', 'leave one of them out']);
  expectRefusal(['--pause'], ['--pause with --restart'], '--restart on-failure:3');
  expect(parse(['--pause', '--restart', 'no'])).toMatchObject({ options: { pause: true } });
});

describe('the command itself', () => {
  function run(args: readonly string[], optionsVariable?: string) {
    const { SUBREAPER_OPTIONS: _, ...env } = process.env;
    return spawnSync(launcher, args, {
      encoding: 'utf8',
      env: optionsVariable === undefined ? env : { ...env, SUBREAPER_OPTIONS: optionsVariable },
    });
  }

  test.each([
    { args: ['--scoop', 'child', 'echo', 'ran'], says: '--scope' },
    { args: ['--grace', 'x', 'echo', 'ran'], says: "--grace cannot be 'x'" },
    { args: ['--pause', '--', 'echo', 'ran'], says: '--pause with a command' },
    { args: ['-r', 'KILL:TERM', '--', 'echo', 'ran'], says: 'KILL' },
    { args: ['-e', '3:999', 'echo', 'ran'], says: "'3:999'" },
    { args: ['--log-level', 'wran', 'echo', 'ran'], says: 'warn' },
    { args: ['--scope', 'a\nb', 'echo', 'ran'], says: String.raw`'a\nb'` },
    { args: ['--log-format'], says: 'json|pretty' },
    { args: [], says: 'no command' },
    { args: ['echo', 'ran'], optionsVariable: 'echo', says: 'SUBREAPER_OPTIONS' },
    { args: ['echo', 'ran'], optionsVariable: '-x', says: "'-x'" },
  ])('refuses $args with one line and 125', ({ args, optionsVariable, says }) => {
    const { status, stdout, stderr } = run(args, optionsVariable);
    expect({ status, stdout }).toEqual({ status: 125, stdout: '' });
    expect(stderr).toMatch(/^subreaper: [^\n]+, [^\n]+; [^\n]+\n$/);
    expect(stderr).toContain(says);
  });

  test('refuses bytes that are no text with one line and 125', () => {
    const { status, stdout, stderr } = spawnSync(
      'sh',
      ['-c', String.raw`exec "$0" --scope "$(printf '\377\012x')" echo ran`, launcher],
      { encoding: 'utf8' },
    );
    expect({ status, stdout }).toEqual({ status: 125, stdout: '' });
    expect(stderr).toMatch(/^subreaper: --scope cannot be '\ufffd\\nx', [^\n]+\n$/);
  });

  test('shows its help and version', () => {
    const manifest = new URL('../../package.json', import.meta.url);
    const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
    expect(run(['-h'])).toMatchObject({ status: 0, stdout: helpText(), stderr: '' });
    expect(run(['--version'])).toMatchObject({ status: 0, stdout: `subreaper ${version}\n`, stderr: '' });
  });

  test('reads SUBREAPER_OPTIONS, and the command’s own options are the command’s', () => {
    expect(run(['sh', '-c', 'echo "$1"; exit 3', '-v', '-h'], '-e 3:4')).toMatchObject({
      status: 4,
      stdout: '-h\n',
      stderr: '',
    });
  });
});
