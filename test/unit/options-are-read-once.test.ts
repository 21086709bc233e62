import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import * as index from '../../src/index.ts';
import * as testing from '../../src/testing/index.ts';

const noProcess = 2 ** 22 + 1;
const aGetter = () => false;

/** Runs the hooks that a test runner would run. */
async function failOnLeaks(options?: testing.FailOnLeaksOptions): Promise<void> {
  const hooks: (() => unknown)[] = [];
  const add = (hook: () => unknown) => hooks.push(hook);
  testing.failOnLeaks({ beforeEach: add, afterEach: add }, options);
  for (const hook of hooks) await hook();
}

type Options = Readonly<Record<string, unknown>>;

/** Each function that has options, called to its end, and a value for each of them. */
const calls: Readonly<Record<string, readonly [call: (options?: Options) => unknown, options: Options]>> = {
  killTree: [(options) => index.killTree(noProcess, options), { signal: 'SIGTERM', graceMs: 100 }],
  register: [
    (options) => index.register(options).unregister(),
    {
      onReap: aGetter,
      owns: aGetter,
      killOrphansOnExit: true,
      logger: { debug() {}, warn() {} },
    },
  ],
  spawnBound: [
    (options) => once(index.spawnBound('true', options), 'exit'),
    {
      graceMs: 100,
      ...{ argv0: 'true', cwd: '/', detached: false, env: { ...process.env }, killSignal: 'SIGTERM' },
      ...{ serialization: 'json', shell: false, signal: new AbortController().signal, stdio: 'ignore' },
      ...{ timeout: 0, gid: process.getgid?.(), uid: process.getuid?.() },
    },
  ],
  orphanChain: [
    async (options) => {
      for (const { pid } of await testing.orphanChain(options)) await index.killTree(pid, { graceMs: 0 });
    },
    { depth: 1, width: 1, lifeMs: 0, ignoreTerm: false, setsid: false, exitCode: 0 },
  ],
  waitForOrphans: [(options) => testing.waitForOrphans([], options), { timeoutMs: 100 }],
  waitForZombies: [(options) => testing.waitForZombies(0, options), { pid: process.pid, timeoutMs: 100 }],
  trackProcesses: [(options) => testing.trackProcesses(options).stop(), { name: 'a test', allow: aGetter }],
  failOnLeaks: [failOnLeaks, { allow: aGetter, testName: () => 'a test' }],
};

const functions = Object.entries({ ...index, ...testing }).filter(([name]) => /^[a-z]/.test(name));
const withoutOptions = ['becomeSubreaper', 'descendants', 'pipeHolders', 'processTree', 'zombies'];

test('every public function is in the table, or has no options', () => {
  const names = functions.map(([name]) => name);
  expect([...Object.keys(calls), ...withoutOptions].sort()).toEqual(names.sort());
});

test.each(Object.entries(calls).filter(([name]) => name !== 'spawnBound'))(
  '%s: every option is in the table',
  async (_, [call, options]) => {
    const known = await (async () => call({ nonsense: 1 }))().catch(({ message }) => message);
    expect(known).toMatch(new RegExp(`use one of ${Object.keys(options).join(', ')}$`));
  },
);

const cases = Object.entries(calls).flatMap(([name, [call, options]]) =>
  Object.entries(options).map(([option, value]) => ({ name, call, option, value })),
);

test.each(cases)('$name: $option is read once', async ({ call, option, value }) => {
  let reads = 0;
  const options = Object.defineProperty({}, option, {
    enumerable: true,
    get() {
      reads++;
      return value;
    },
  });
  await call(options);
  expect(reads).toBe(1);
});

let polluted: string | undefined;
afterEach(() => {
  if (polluted !== undefined) delete (Object.prototype as Record<string, unknown>)[polluted];
});

test.each(cases)('$name: $option is not taken from Object.prototype', async ({ call, option }) => {
  const readers: string[] = [];
  polluted = option;
  Object.defineProperty(Object.prototype, option, {
    configurable: true,
    // Others read and set properties of that name too: for them there is none.
    get() {
      const reader = new Error().stack?.split('\n')[2] ?? '';
      if (reader.includes('/src/')) readers.push(reader);
    },
    set(value) {
      Object.defineProperty(this, option, { value, configurable: true, enumerable: true, writable: true });
    },
  });
  await call();
  await call({});
  expect(readers).toEqual([]);
});
