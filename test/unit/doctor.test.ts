import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { diagnose, type Finding } from '../../src/doctor/doctor.ts';
import { type Facts, readFacts } from '../../src/doctor/facts.ts';

const wellOff: Facts = {
  pid: 1,
  above: [],
  pid1: 'subreaper',
  workloadOfPid1: undefined,
  isProcUsable: true,
  hasChildrenFiles: true,
  subreaper: undefined,
  wait: undefined,
  kernelReaps: true,
  pidfd: 'group',
  seccomp: '2',
  noNewPrivileges: '1',
  memory: {
    limitBytes: 64 * 2 ** 20,
    peakBytes: undefined,
    oomKills: 2,
    killsAll: false,
    isContainers: true,
  },
  pidsLimit: 32,
  namespace: undefined,
  node: 'v24.0.0',
  libc: 'musl',
  koffi: '3.3.4',
  isPrepared: false,
  stdin: 'a device',
  stderr: 'a pipe',
};

const find = (facts: Partial<Facts>, name: string, program?: string): Finding | undefined =>
  diagnose({ ...wellOff, ...facts }, program).find((finding) => finding.name === name);

describe('the diagnosis', () => {
  test('of a container that has all there is', () => {
    const findings = diagnose(wellOff, '/usr/local/bin/node');
    expect(findings.filter(({ kind }) => kind === 'bad')).toEqual([]);
    expect(new Set(findings.map(({ name }) => name)).size).toBe(findings.length);
    expect(findings.map(({ text }) => text)).toEqual(
      expect.arrayContaining([
        'this is PID 1: every orphan of the container comes here',
        'memory limit 64 MiB; an OOM kill is recognized (oom_kill 2 so far)',
        'at most 32 processes and threads',
        'node v24.0.0, musl, koffi 3.3.4',
        'not prepared: with subreaper prepare in the image, each start takes less time',
        'node gets the stop signal itself',
      ]),
    );
  });

  test.each([
    { facts: { pid: 7, subreaper: 'prctl failed: EPERM' }, name: 'subreaper', says: 'prctl failed: EPERM' },
    { facts: { wait: 'wait4 failed: EPERM' }, name: 'wait', says: 'init refuses to start' },
    { facts: { isProcUsable: false }, name: 'proc', says: 'survivors cannot be found' },
    { facts: { pidsLimit: 5 }, name: 'pids', says: 'raise the pids limit' },
  ])('a duty that cannot be done: $name', ({ facts, name, says }) => {
    expect(find(facts, name)).toMatchObject({ kind: 'bad', text: expect.stringContaining(says) });
  });

  test.each([
    { facts: { pidsLimit: undefined }, name: 'pids', says: 'unknown' },
    { facts: { pidsLimit: 'none' }, name: 'pids', says: 'no limit on processes' },
    { facts: { noNewPrivileges: undefined }, name: 'no-new-privs', says: 'unknown' },
    { facts: { noNewPrivileges: '0' }, name: 'no-new-privs', says: 'is not set' },
    { facts: { seccomp: undefined }, name: 'seccomp', says: 'unknown' },
    { facts: { namespace: undefined }, name: 'namespace', says: 'can have a PID namespace' },
    {
      facts: { namespace: 'unshare: no' },
      name: 'namespace',
      says: 'cannot have a PID namespace of its own: unshare: no',
    },
  ] as const)('what is not known is not denied: $name, $facts', ({ facts, name, says }) => {
    expect(find(facts, name)).toMatchObject({ kind: 'note', text: expect.stringContaining(says) });
  });

  test('claims to recognize no OOM kill that ends init too', () => {
    const memory = {
      limitBytes: 2 ** 30,
      peakBytes: undefined,
      oomKills: 0,
      killsAll: true,
      isContainers: true,
    };
    expect(find({ memory }, 'memory')?.text).toBe(
      'memory limit 1 GiB; an OOM kill ends init too (memory.oom.group), and only the engine can report it',
    );
  });

  test('names who gets the orphans if not this process', () => {
    expect(find({ pid: 30, above: ['sh', 'node'], pid1: 'node' }, 'pid1')?.text).toBe(
      'this is pid 30, below sh, node; PID 1 is node: other processes’ orphans go there, or to a subreaper in between',
    );
  });

  test.each([
    { program: 'node', kind: 'good', says: 'node gets the stop signal itself' },
    { program: '/bin/sh', kind: 'note', says: 'sh stands in between' },
    { program: 'npm', kind: 'note', says: 'start the app itself' },
  ])('says whether a stop can work: $program', ({ program, kind, says }) => {
    expect(find({}, 'stop', program)).toMatchObject({ kind, text: expect.stringContaining(says) });
  });

  test('looks at what runs if no command is named', () => {
    const inside = { pid: 30, above: [] };
    expect(find({ ...inside, workloadOfPid1: 'npm start' }, 'stop')?.text).toMatch(/^npm stands in between/);
    expect(find({ ...inside, pid1: 'node' }, 'stop')?.text).toContain('PID 1, node, which drops it');
  });
});

test('a process’s own name forges no line of its status', async () => {
  const before = readFacts(undefined, false);
  const { title } = process;
  process.title = '\rSeccomp:9';
  try {
    expect(await readFile('/proc/self/comm', 'utf8')).toBe('\rSeccomp:9\n');
    expect(readFacts(undefined, false)).toMatchObject({ seccomp: before.seccomp });
  } finally {
    process.title = title;
  }
});
