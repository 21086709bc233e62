import { describe, expect, test } from 'vitest';
import type { Explained } from '../../src/lifecycle/explained.ts';
import type { Pid, Signal } from '../../src/native/types.ts';
import { type MemoryCgroup, readMemoryCgroup } from '../../src/observe/cgroups.ts';
import { describeEnd } from '../../src/observe/describe-end.ts';
import { duration, size } from '../../src/observe/quantities.ts';
import { describeRunning, type Scene } from '../../src/observe/sentences.ts';
import type { RunningProcess, Tree } from '../../src/observe/snapshot.ts';
import { parseSignalHandling, reactionTo } from '../../src/process-tree/signal-handling.ts';
import type { Ended } from '../../src/reaper/wait-status.ts';
import { signalNumber } from '../../src/signals/signal-names.ts';

const [SIGINT, SIGKILL, SIGSEGV, SIGTERM] = (['SIGINT', 'SIGKILL', 'SIGSEGV', 'SIGTERM'] as const).map(
  signalNumber,
) as [Signal, Signal, Signal, Signal];

const bit = (...signals: readonly Signal[]) =>
  signals
    .reduce((set, signal) => set | (1n << BigInt(signal - 1)), 0n)
    .toString(16)
    .padStart(16, '0');

interface Sets {
  readonly group?: number;
  readonly pending?: readonly Signal[];
  readonly blocked?: readonly Signal[];
  readonly ignored?: readonly Signal[];
  readonly caught?: readonly Signal[];
}

/** /proc/pid/status of a process that is in no other namespace. */
function status({ group = 7, pending = [], blocked = [], ignored = [], caught = [] }: Sets): string {
  return [
    'Name:\tnode',
    `NSpgid:\t${group}`,
    'SigQ:\t1/7000',
    `SigPnd:\t${bit()}`,
    `ShdPnd:\t${bit(...pending)}`,
    `SigBlk:\t${bit(...blocked)}`,
    `SigIgn:\t${bit(...ignored)}`,
    `SigCgt:\t${bit(...caught)}`,
  ].join('\n');
}

const running = (name: string, pid: number, sets: Sets = {}, heldBy?: string): RunningProcess => ({
  name,
  pid: pid as Pid,
  heldBy,
  handling: parseSignalHandling(status(sets)),
});

const tree = (...named: readonly RunningProcess[]): Tree => ({ named, more: 0, isCounted: true });

describe('what a process does with a signal', () => {
  test.each([
    { sets: { ignored: [SIGTERM] }, reaction: 'ignores' },
    { sets: { blocked: [SIGTERM], pending: [SIGTERM] }, reaction: 'blocks' },
    // Another thread, or a signalfd, has taken it.
    { sets: { blocked: [SIGTERM] }, reaction: 'handles' },
    { sets: { caught: [SIGTERM] }, reaction: 'handles' },
    { sets: { caught: [SIGINT] }, reaction: 'has no handler for' },
  ])('$reaction', ({ sets, reaction }) => {
    expect(reactionTo(SIGTERM, parseSignalHandling(status(sets)))).toBe(reaction);
  });
});

test.each(['\r', '\u2028', '\u0085'])('a process’s name forges no line of its status: %j', (end) => {
  const name = `Name:\t${end}SigIgn:fffffff\n`;
  expect(parseSignalHandling(name + status({ caught: [SIGTERM] })).ignored).toBe(0n);
});

/** Where nobody is seen, and nothing has been asked. */
const nothing: Scene = {
  tree: undefined,
  workload: undefined,
  group: undefined,
  ownChild: undefined,
  sinceAskedMs: undefined,
  graceMs: 2000,
  stopTimeoutMs: undefined,
};
type StopExplained = Extract<Explained, { kind: 'slow-stop' | 'stop-timeout' }>;

describe('a stop that takes long', () => {
  const slow = { kind: 'slow-stop', signal: SIGTERM, scope: 'group', waitedMs: 2000 } as const;
  const ofWorkload = { ...nothing, workload: 7 as Pid, group: 7 as Pid };
  const describeSlowStop = (scene: Partial<Scene>, what: Partial<StopExplained> = {}) =>
    describeRunning({ ...slow, ...what }, { ...ofWorkload, ...scene });

  test('names who still runs, and why', () => {
    const members = tree(
      running('sh', 7, { ignored: [SIGTERM] }),
      running('node', 8, { caught: [SIGTERM] }),
      running('cat', 9, {}, 'stopped'),
    );
    expect(describeSlowStop({ tree: members })).toBe(
      'the workload is still running 2 s after SIGTERM: sh (pid 7) ignores SIGTERM, ' +
        'node (pid 8) handles SIGTERM and has not ended yet, cat (pid 9) has no handler for SIGTERM and is stopped; ' +
        'add --stop-timeout to limit the wait',
    );
  });

  test('names the signal that the workload handles', () => {
    const members = tree(running('app', 7, { blocked: [SIGTERM], pending: [SIGTERM], caught: [SIGINT] }));
    expect(describeSlowStop({ tree: members, stopTimeoutMs: 10_000 })).toBe(
      'the workload is still running 2 s after SIGTERM: app (pid 7) blocks SIGTERM; ' +
        'app handles SIGINT: add --rewrite TERM:INT; --stop-timeout kills everything after 10 s',
    );
  });

  test.each([
    { scope: 'group', what: 'did not get it; add --scope tree to reach all of them; ' },
    { scope: 'child', what: 'did not get it; add --scope tree to reach all of them; ' },
    { scope: 'tree', what: 'has no handler for SIGTERM; ' },
  ] as const)('says who did not get the signal: --scope $scope', ({ scope, what }) => {
    const members = tree(running('sh', 7, { caught: [SIGTERM] }), running('daemon', 9, { group: 9 }));
    expect(describeSlowStop({ tree: members }, { scope })).toContain(`, daemon (pid 9) ${what}`);
  });

  test('counts those that it does not name', () => {
    const sh = running('sh', 7, { ignored: [SIGTERM] });
    const many = { named: [sh], more: 12, isCounted: true };
    expect(describeSlowStop({ tree: many })).toContain('sh (pid 7) ignores SIGTERM, and 12 more;');
    expect(describeSlowStop({ tree: { ...many, isCounted: false } })).toContain(', and at least 12 more;');
  });

  test('without /proc names nobody', () => {
    expect(describeSlowStop({})).toBe(
      'the workload is still running 2 s after SIGTERM; add --stop-timeout to limit the wait',
    );
  });

  test('and at --stop-timeout', () => {
    const members = tree(running('sh', 7, { ignored: [SIGTERM] }));
    expect(describeSlowStop({ tree: members }, { kind: 'stop-timeout', waitedMs: 500 })).toBe(
      'stop timeout: the workload is still running 500 ms after SIGTERM; killing everything: sh (pid 7) ignores SIGTERM',
    );
    expect(describeSlowStop({ workload: undefined }, { kind: 'stop-timeout' })).toContain(
      'survivors are still running',
    );
  });
});

describe('survivors', () => {
  const held = tree(
    running('sleep', 9, { ignored: [SIGTERM] }),
    running('dd', 10, { caught: [SIGTERM] }, 'in an uninterruptible sleep'),
  );

  const describeSlow = (scene: Partial<Scene>, waitedMs: number) =>
    describeRunning({ kind: 'slow-survivors', waitedMs }, { ...nothing, ...scene });
  const describeKilling = (scene: Partial<Scene>) =>
    describeRunning({ kind: 'killing' }, { ...nothing, ...scene });

  test('that take long', () => {
    expect(describeSlow({ tree: held, graceMs: 20_000 }, 5000)).toBe(
      'survivors are still running 5 s after SIGTERM: sleep (pid 9) ignores SIGTERM, ' +
        'dd (pid 10) handles SIGTERM and is in an uninterruptible sleep; --grace kills everything after 20 s',
    );
  });

  test('that get SIGKILL', () => {
    expect(describeKilling({ tree: held, sinceAskedMs: 2004 })).toBe(
      'killing the remaining processes 2 s after SIGTERM: sleep (pid 9) ignores SIGTERM, dd (pid 10) handles SIGTERM and is in an uninterruptible sleep; a longer --grace gives more time',
    );
    expect(describeKilling({ tree: held })).toBe(
      'killing the remaining processes at once: sleep (pid 9) was not asked, dd (pid 10) was not asked and is in an uninterruptible sleep',
    );
  });

  test('are no survivors as long as the workload runs', () => {
    const all = { tree: tree(running('app', 7, { ignored: [SIGTERM] })), workload: 7 as Pid };
    expect(describeRunning({ kind: 'asking' }, { ...nothing, ...all })).toBe(
      'asking the workload to end within 2 s: app (pid 7)',
    );
    expect(describeSlow({ ...all, graceMs: 5000 }, 2000)).toMatch(
      /^the workload is still running 2 s after SIGTERM: app/,
    );
    expect(describeKilling({ ...all, sinceAskedMs: 5000 })).toBe(
      'killing the workload 5 s after SIGTERM: app (pid 7) ignores SIGTERM; a longer --grace gives more time',
    );
  });

  test('that init waits for: only what holds them up', () => {
    expect(describeRunning({ kind: 'waiting' }, { ...nothing, tree: held })).toBe(
      'waiting for the remaining processes: sleep (pid 9), dd (pid 10) is in an uninterruptible sleep',
    );
  });
});

describe('the end of the workload', () => {
  const MiB = 2 ** 20;
  const memory: MemoryCgroup = {
    limitBytes: 64 * MiB,
    peakBytes: 64 * MiB,
    oomKills: 1,
    killsAll: false,
    isContainers: true,
  };
  const end = (how: Ended, known: { memory?: MemoryCgroup; knownOomKills?: number | undefined } = {}) =>
    describeEnd(how, known.memory, 'knownOomKills' in known ? known.knownOomKills : 0);
  const killed = (signal: Signal, coreDumped = false) => ({ kind: 'killed', signal, coreDumped }) as const;

  test.each([
    {
      says: 'the workload was killed by SIGKILL, probably from the OOM killer: limit 64 MiB, peak 64 MiB (oom_kill 1)',
      text: end(killed(SIGKILL), { memory }),
    },
    {
      says: "the workload was killed by SIGKILL: init did not send it, and the kernel counted no OOM kill in init's cgroup; it may come from the workload itself, from another process, or from its limit on CPU time (RLIMIT_CPU)",
      text: end(killed(SIGKILL), { memory, knownOomKills: 1 }),
    },
    {
      says: 'the workload was killed by SIGKILL: init did not send it, and the OOM killer cannot be ruled out here; it may come from the workload itself, from another process, or from its limit on CPU time (RLIMIT_CPU)',
      text: end(killed(SIGKILL)),
    },
    {
      says: 'the workload was killed by SIGKILL, perhaps from the OOM killer: no limit of its own (oom_kill 1), unless that kill came before init started',
      text: end(killed(SIGKILL), {
        memory: { ...memory, limitBytes: undefined, peakBytes: undefined },
        knownOomKills: undefined,
      }),
    },
    {
      says: 'the workload was killed by SIGTERM: init did not send it',
      text: end(killed(SIGTERM), { memory }),
    },
    {
      says: 'the workload was killed by SIGXCPU: init did not send it; most likely it used up its CPU time (RLIMIT_CPU), core dumped',
      text: end(killed(signalNumber('SIGXCPU'), true)),
    },
    {
      says: 'the workload was killed by SIGSEGV, which the kernel sends for a fault, core dumped',
      text: end(killed(SIGSEGV, true)),
    },
    {
      says: 'the workload was killed by SIGABRT, which a program raises with abort(3), no core dumped',
      text: end(killed(signalNumber('SIGABRT'))),
    },
    {
      says: 'the workload exited with 143, no signal ended it; 143 is 128 + 15: SIGTERM may have ended one of its children',
      text: end({ kind: 'exited', code: 143 }, { memory }),
    },
    {
      says: 'the workload exited with 137, no signal ended it; 137 is 128 + 9: SIGKILL may have ended one of its children, probably from the OOM killer: limit 64 MiB, peak 64 MiB (oom_kill 1)',
      text: end({ kind: 'exited', code: 137 }, { memory }),
    },
  ])('$says', ({ says, text }) => {
    expect(text).toBe(says);
  });
});

describe('the memory cgroup', () => {
  const from = (files: Readonly<Record<string, string>>) => readMemoryCgroup((file) => files[file]);
  const v1 = {
    '/proc/self/cgroup': '9:name=systemd:/\n4:cpuset,memory:/docker/abc\n0::/\n',
    '/proc/self/mountinfo':
      '33 32 0:30 / /sys/fs/cgroup/pids ro - cgroup cgroup rw,pids\n34 32 0:31 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n',
    '/sys/fs/cgroup/memory/memory.limit_in_bytes': '67108864\n',
    '/sys/fs/cgroup/memory/memory.max_usage_in_bytes': '67108864\n',
    '/sys/fs/cgroup/memory/memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 2\n',
  };

  test('version 1, as a container sees it', () => {
    expect(from(v1)).toEqual({
      limitBytes: 67108864,
      peakBytes: 67108864,
      oomKills: 2,
      killsAll: false,
      isContainers: true,
    });
  });

  test('a cgroup’s name forges no line', () => {
    const cgroup = '9:name=systemd:/\r4:memory:/docker/abc/theirs\n4:memory:/docker/abc/\rours\n0::/\n';
    const folder = '/sys/fs/cgroup/memory/\rours';
    const events = 'oom_kill_disable 0\room_kill 7\nunder_oom 0\noom_kill 3\n';
    const files = { ...v1, '/proc/self/cgroup': cgroup, [`${folder}/memory.oom_control`]: events };
    expect(from(files)?.oomKills).toBe(3);
  });

  test('version 1 without a limit', () => {
    const files = { ...v1, '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n' };
    expect(from(files)?.limitBytes).toBeUndefined();
  });

  const v2 = {
    '/proc/self/cgroup': '0::/pod/app\n',
    '/proc/self/mountinfo': '34 32 0:31 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n',
    '/sys/fs/cgroup/pod/app/memory.max': 'max\n',
    '/sys/fs/cgroup/pod/app/memory.peak': '1000\n',
    '/sys/fs/cgroup/pod/app/memory.events': 'low 0\nhigh 0\nmax 9\noom 1\noom_kill 1\noom_group_kill 0\n',
    '/sys/fs/cgroup/pod/memory.max': '2000\n',
    '/sys/fs/cgroup/pod/memory.peak': '2000\n',
  };

  test('version 2, with the limit of a cgroup above', () => {
    expect(from(v2)).toEqual({
      limitBytes: 2000,
      peakBytes: 2000,
      oomKills: 1,
      killsAll: false,
      isContainers: false,
    });
  });

  test('version 2, where the kernel kills all of a cgroup at once', () => {
    const group = '/sys/fs/cgroup/pod/app/memory.oom.group';
    expect(from({ ...v2, [group]: '1\n' })?.killsAll).toBe(true);
    expect(from({ ...v2, [group]: '0\n' })?.killsAll).toBe(false);
  });

  test('version 2 in a cgroup namespace', () => {
    const files = {
      ...v2,
      '/proc/self/cgroup': '0::/\n',
      '/sys/fs/cgroup/memory.events': 'oom_kill 0\n',
      '/sys/fs/cgroup/memory.max': 'max\n',
    };
    expect(from(files)).toEqual({
      limitBytes: undefined,
      peakBytes: undefined,
      oomKills: 0,
      killsAll: false,
      isContainers: true,
    });
  });

  test('under another mount that hides it', () => {
    const hidden =
      '33 32 0:31 / /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n' +
      '34 33 0:31 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n';
    expect(from({ ...v1, '/proc/self/mountinfo': hidden })?.isContainers).toBe(true);
    expect(
      from({ ...v1, '/proc/self/mountinfo': `${hidden}35 34 0:9 / /sys/fs/cgroup/memory ro - tmpfs x rw\n` }),
    ).toBeUndefined();
  });

  test('that the mount does not show: the numbers there are those of another one', () => {
    for (const root of ['/docker/ab', '/docker/abcd', '/..', '/docker/abc/below']) {
      const mountinfo = v1['/proc/self/mountinfo'].replace('/docker/abc', root);
      expect(from({ ...v1, '/proc/self/mountinfo': mountinfo })).toBeUndefined();
    }
    expect(from({ ...v2, '/proc/self/cgroup': '0::/../app\n' })).toBeUndefined();
  });

  test('none', () => {
    expect(from({})).toBeUndefined();
    expect(from({ ...v2, '/sys/fs/cgroup/pod/app/memory.events': '' })).toBeUndefined();
  });
});

test('quantities in words', () => {
  expect([1, 999, 1000, 2004, 2500, 30_000].map(duration)).toEqual([
    ...['1 ms', '999 ms', '1 s', '2 s', '2.5 s', '30 s'],
  ]);
  expect([512, 64 * 2 ** 20, 1.5 * 2 ** 30].map(size)).toEqual(['512 bytes', '64 MiB', '1.5 GiB']);
});
