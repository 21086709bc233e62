import { size } from '../explain/quantities.ts';
import { printable } from '../process-tree/printable-name.ts';
import type { Facts, StreamKind } from './facts.ts';

/** One line of the diagnosis. */
export interface Finding {
  /** A stable name, for machines. */
  readonly name: string;
  /** good: a duty that can be done. bad: one that cannot. note: neither. */
  readonly kind: 'good' | 'bad' | 'note';
  /** What is so, and what follows. */
  readonly text: string;
}

/** What the facts mean for init's duties: reaping orphans, forwarding signals, leaving nothing behind. */
export function diagnose(facts: Facts, program: string | undefined): Finding[] {
  return [
    pid1(facts),
    subreaper(facts),
    proc(facts),
    wait(facts),
    reaping(facts),
    pidfd(facts),
    seccomp(facts),
    privileges(facts),
    memory(facts),
    pids(facts),
    versions(facts),
    stdin(facts),
    stderr(facts),
    stop(facts, program),
  ];
}

const good = (name: string, text: string): Finding => ({ name, kind: 'good', text });
const bad = (name: string, text: string): Finding => ({ name, kind: 'bad', text });
const note = (name: string, text: string): Finding => ({ name, kind: 'note', text });

function pid1({ pid, pid1: first, above }: Facts): Finding {
  if (pid === 1) return good('pid1', 'this is PID 1: every orphan of the container comes here');
  if (first === undefined) return note('pid1', `this is pid ${pid}, and PID 1 cannot be seen`);
  const chain = above.length === 0 ? 'nothing that can be seen' : above.join(', ');
  return note(
    'pid1',
    `this is pid ${pid}, below ${chain}; PID 1 is ${first}: orphans of others go there, or to a subreaper between`,
  );
}

function subreaper({ pid, subreaper: error }: Facts): Finding {
  if (pid === 1) return good('subreaper', 'PID 1 needs no PR_SET_CHILD_SUBREAPER');
  if (error === undefined)
    return good('subreaper', 'it can become a subreaper: orphans of its workload come here');
  return bad('subreaper', `${error}: orphans go elsewhere; allow prctl in the seccomp profile`);
}

function proc({ isProcUsable, hasChildrenFiles }: Facts): Finding {
  if (!isProcUsable) {
    return bad(
      'proc',
      '/proc is not mounted, or shows another PID namespace: survivors cannot be found; mount it',
    );
  }
  if (hasChildrenFiles)
    return good('proc', '/proc lists each process’s children: finding survivors costs little');
  return good('proc', '/proc is usable, without lists of children: finding survivors reads every process');
}

function wait({ wait: error }: Facts): Finding {
  if (error === undefined) return good('wait', 'wait4 works');
  return bad('wait', `${error}: init starts nothing; allow wait4 in the seccomp profile`);
}

function reaping({ kernelReaps }: Facts): Finding {
  return kernelReaps
    ? good('reaping', 'the kernel reaps orphans while the workload runs: there are no zombies')
    : good('reaping', 'init reaps orphans (the kernel does since Linux 6.15)');
}

function pidfd({ pidfd: reach }: Facts): Finding {
  if (reach === 'group')
    return good('pidfd', 'signals go through pidfds, also to groups: no stranger ever gets one');
  if (reach === 'process') return good('pidfd', 'signals go through pidfds; to groups since Linux 6.9');
  return note('pidfd', 'no pidfds (Linux before 5.3, or refused): processes are named by pid and start time');
}

function seccomp({ seccomp: mode }: Facts): Finding {
  if (mode === '2') return note('seccomp', 'a seccomp filter is active: the lines above were tried under it');
  if (mode === undefined) return note('seccomp', 'whether a seccomp filter is active is not known');
  return note('seccomp', mode === '0' ? 'no seccomp filter' : `seccomp mode ${mode}`);
}

function privileges({ noNewPrivileges }: Facts): Finding {
  if (noNewPrivileges === undefined) return note('no-new-privs', 'whether no_new_privs is set is not known');
  return noNewPrivileges
    ? note('no-new-privs', 'no_new_privs is set: no process can become one that init may not signal')
    : note('no-new-privs', 'no_new_privs is not set: a set-user-ID program may be out of init’s reach');
}

function memory({ memory: cgroup }: Facts): Finding {
  if (cgroup === undefined)
    return note('memory', 'the memory cgroup cannot be read: a kill for memory is not recognized');
  const limit =
    cgroup.limitBytes === undefined ? 'no memory limit' : `memory limit ${size(cgroup.limitBytes)}`;
  const kill = cgroup.killsAll
    ? 'ends init too (memory.oom.group), and only the engine can tell of it'
    : `is recognized (oom_kill ${cgroup.oomKills} so far)`;
  return note('memory', `${limit}; a kill for memory ${kill}`);
}

/** node has some six threads of its own, and the launcher's shell forks once. */
const FEWEST_PIDS = 16;

function pids({ pidsLimit }: Facts): Finding {
  if (pidsLimit === undefined) return note('pids', 'the limit of processes is not known: no cgroup shows it');
  if (pidsLimit === 'none') return note('pids', 'no limit of processes');
  if (pidsLimit >= FEWEST_PIDS) return note('pids', `at most ${pidsLimit} processes and threads`);
  return bad('pids', `at most ${pidsLimit} processes and threads: node may not start; raise the pids limit`);
}

function versions({ node, libc, koffi }: Facts): Finding {
  return good('versions', `node ${node}, ${libc}, koffi ${koffi}`);
}

function stdin({ stdin: kind }: Facts): Finding {
  return note('stdin', `standard input: ${streamNames[kind]}`);
}

function stderr({ stderr: kind }: Facts): Finding {
  if (kind === 'closed') return note('stderr', 'standard error is closed: nobody will see what init says');
  return note('stderr', `standard error: ${streamNames[kind]}`);
}

const streamNames: Readonly<Record<StreamKind, string>> = {
  closed: 'closed',
  terminal: 'a terminal',
  file: 'a file',
  pipe: 'a pipe',
  socket: 'a socket',
  device: 'a device',
};

const shells = ['sh', 'bash', 'dash', 'ash', 'busybox', 'zsh', 'ksh', 'mksh'];
const packageManagers = ['npm', 'npx', 'yarn', 'pnpm'];

/** Whether the stop signal reaches the app: what stands between init and it. */
function stop({ pid, pid1: first, workloadOfPid1 }: Facts, program: string | undefined): Finding {
  if (program !== undefined) return stopOf(program);
  if (pid === 1 || first === undefined)
    return note('stop', 'name a command to hear how it would be stopped: subreaper doctor -- node server.js');
  if (first !== 'subreaper')
    return note('stop', `the stop signal goes to PID 1, ${first}, which drops it unless it has a handler`);
  if (workloadOfPid1 === undefined) return note('stop', 'PID 1 is subreaper, and has no workload');
  return stopOf(workloadOfPid1);
}

function stopOf(program: string): Finding {
  const name = program.split('/').at(-1)?.split(' ')[0] ?? program;
  if (shells.includes(name)) {
    return note(
      'stop',
      `${name} stands between: the signal reaches its whole group, but it may end before the app does; exec the app`,
    );
  }
  if (packageManagers.includes(name)) {
    return note(
      'stop',
      `${name} stands between, and may pass on another status; start the app itself: node server.js`,
    );
  }
  return good('stop', `${printable(name)} gets the stop signal itself`);
}
