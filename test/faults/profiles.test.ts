import { expect, test } from 'vitest';
import { actor, launcher, refuse } from '../helpers/environment.ts';
import { describeModes } from '../helpers/modes.ts';
import { runInit } from '../helpers/run-init.ts';
import { initOnTerminal } from '../helpers/terminal.ts';

/**
 * What container engines and sandboxes refuse of the calls that init and node make. The profiles name hundreds of others,
 * which neither makes.
 */
const profiles: Readonly<Record<string, readonly (readonly [calls: string, errno: string])[]>> = {
  // It refuses clone3 with EPERM too, which a C library that knows the call takes for an answer: node starts no thread.
  'Docker before 20.10.10, to which new calls are unknown': [
    ['pidfd_open,pidfd_send_signal,faccessat2,io_uring_setup', 'EPERM'],
  ],
  'Docker by default': [
    ['clone3', 'ENOSYS'],
    ['io_uring_setup,unshare,setns,mount', 'EPERM'],
  ],
  'podman by default': [
    ['clone3,io_uring_setup', 'ENOSYS'],
    ['unshare,setns,mount', 'EPERM'],
  ],
  'Kubernetes with RuntimeDefault': [
    ['clone3', 'ENOSYS'],
    ['io_uring_setup,unshare,setns,mount', 'EPERM'],
  ],
  'a sandbox like gVisor, without pidfds and kernel reaping': [
    ['clone3,io_uring_setup,pidfd_open,pidfd_send_signal', 'ENOSYS'],
    ['PIDFD_GET_INFO', 'ENOTTY'],
  ],
  'a sandbox without pidfds, waitid and getdents64': [
    ['pidfd_open,pidfd_send_signal,getdents64', 'ENOSYS'],
    ['waitid', 'ENOSYS'],
  ],
};

describeModes(['actor', 'refuse'], 'a seccomp profile', (mode) => {
  test.each(Object.keys(profiles))('of %s: every duty is done', async (name) => {
    const filters = profiles[name]?.flatMap(([calls, errno]) => [refuse, calls, errno]) ?? [];
    const exit = await runInit({
      mode,
      launch: [...filters, launcher],
      options: ['--grace', '10ms'],
      command: [actor, 'duties', '600'],
      spawn: { env: { PATH: process.env['PATH'], NODE_OPTIONS: '--no-warnings' } },
    });
    expect(exit).toMatchObject({ code: 7, signal: null, stdout: 'started\n' });
  });

  // The workload would be in init's own group: a signal to it would come back.
  test('without process groups: 126 and one line', async () => {
    const exit = await runInit({ mode, launch: [refuse, 'setpgid', 'ENOSYS', launcher], command: ['true'] });
    const oneLine = expect.stringMatching(/^subreaper: 'true' cannot be run, [^\n]+; [^\n]+\n$/);
    expect(exit).toMatchObject({ code: 126, stderr: oneLine });
  });
});

describeModes(['actor', 'refuse', 'script'], 'a terminal', (mode) => {
  test.each(
    ['TIOCGPGRP', 'TIOCSPGRP', 'TIOCGPGRP,TIOCSPGRP'].flatMap((requests) =>
      ['ENOTTY', 'EINVAL', 'EPERM', 'ENOSYS'].map((errno) => [requests, errno] as const),
    ),
  )('that refuses %s with %s: every duty is done', async (requests, errno) => {
    const terminal = initOnTerminal({
      mode,
      launch: ['env', 'NODE_OPTIONS=--no-warnings', refuse, requests, errno, launcher],
      options: ['--grace', '10ms'],
      command: [actor, 'duties', '600'],
    });
    expect(await terminal.exit).toEqual({ code: 7, signal: null });
    expect(terminal.output()).toContain('started');
  });
});
