import { describe, expect, test } from 'vitest';
import { diagnose, type Finding } from '../../src/doctor/diagnosis.ts';
import type { Facts } from '../../src/doctor/facts.ts';

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
  noNewPrivileges: true,
  memory: {
    limitBytes: 64 * 2 ** 20,
    peakBytes: undefined,
    oomKills: 2,
    killsAll: false,
    isContainers: true,
  },
  pidsLimit: 32,
  node: 'v24.0.0',
  libc: 'musl',
  koffi: '3.3.4',
  stdin: 'device',
  stderr: 'pipe',
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
        'memory limit 64 MiB; a kill for memory is recognized (oom_kill 2 so far)',
        'at most 32 processes and threads',
        'node v24.0.0, musl, koffi 3.3.4',
        'node gets the stop signal itself',
      ]),
    );
  });

  test.each([
    { facts: { pid: 7, subreaper: 'prctl failed: EPERM' }, name: 'subreaper', says: 'prctl failed: EPERM' },
    { facts: { wait: 'wait4 failed: EPERM' }, name: 'wait', says: 'init starts nothing' },
    { facts: { isProcUsable: false }, name: 'proc', says: 'survivors cannot be found' },
    { facts: { pidsLimit: 5 }, name: 'pids', says: 'raise the pids limit' },
  ])('a duty that cannot be done: $name', ({ facts, name, says }) => {
    expect(find(facts, name)).toMatchObject({ kind: 'bad', text: expect.stringContaining(says) });
  });

  test.each([
    { facts: { pidsLimit: undefined }, name: 'pids', says: 'is not known' },
    { facts: { pidsLimit: 'none' }, name: 'pids', says: 'no limit of processes' },
    { facts: { noNewPrivileges: undefined }, name: 'no-new-privs', says: 'is not known' },
    { facts: { noNewPrivileges: false }, name: 'no-new-privs', says: 'is not set' },
    { facts: { seccomp: undefined }, name: 'seccomp', says: 'is not known' },
  ] as const)('what is not known is not denied: $name, $facts', ({ facts, name, says }) => {
    expect(find(facts, name)).toMatchObject({ kind: 'note', text: expect.stringContaining(says) });
  });

  test('claims to recognize no kill for memory that ends init too', () => {
    const memory = {
      limitBytes: 2 ** 30,
      peakBytes: undefined,
      oomKills: 0,
      killsAll: true,
      isContainers: true,
    };
    expect(find({ memory }, 'memory')?.text).toBe(
      'memory limit 1 GiB; a kill for memory ends init too (memory.oom.group), and only the engine can tell of it',
    );
  });

  test('names who gets the orphans if not this process', () => {
    expect(find({ pid: 30, above: ['sh', 'node'], pid1: 'node' }, 'pid1')?.text).toBe(
      'this is pid 30, below sh, node; PID 1 is node: orphans of others go there, or to a subreaper between',
    );
  });

  test.each([
    { program: 'node', kind: 'good', says: 'node gets the stop signal itself' },
    { program: '/bin/sh', kind: 'note', says: 'sh stands between' },
    { program: 'npm', kind: 'note', says: 'start the app itself' },
  ])('says whether a stop can work: $program', ({ program, kind, says }) => {
    expect(find({}, 'stop', program)).toMatchObject({ kind, text: expect.stringContaining(says) });
  });

  test('looks at what runs if no command is named', () => {
    const inside = { pid: 30, above: [] };
    expect(find({ ...inside, workloadOfPid1: 'npm start' }, 'stop')?.text).toMatch(/^npm stands between/);
    expect(find({ ...inside, pid1: 'node' }, 'stop')?.text).toContain('PID 1, node, which drops it');
  });
});
