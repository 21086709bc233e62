import { size } from '../observe/quantities.ts';
import { printable, programIn } from '../process-tree/printable-name.ts';
import { type Facts, readFacts } from './facts.ts';

/** One line of the diagnosis. */
export interface Finding {
  /** A stable name, for machines. */
  readonly name: string;
  /** good: a duty that can be done. bad: one that cannot. note: neither. */
  readonly kind: 'good' | 'bad' | 'note';
  /** What is so, and what follows. */
  readonly text: string;
}

const marks: Readonly<Record<Finding['kind'], string>> = { good: '✓', bad: '✗', note: '·' };

/**
 * Says what this container offers, and which of init's duties can be done.
 * @param program the command that would be run, without its arguments
 * @param facts see `readFacts`
 */
export function examine(
  program: string | undefined,
  json: boolean,
  ...facts: Parameters<typeof readFacts>
): { text: string; status: 0 | 1 } {
  const findings = diagnose(readFacts(...facts), program);
  const isWell = findings.every(({ kind }) => kind !== 'bad');
  const text = json
    ? `${JSON.stringify({ well: isWell, findings })}\n`
    : findings.map(({ kind, name, text }) => `${marks[kind]} ${name.padEnd(12)} ${text}\n`).join('');
  return { text, status: isWell ? 0 : 1 };
}

/** What the facts mean for init's duties: reaping orphans, forwarding signals, leaving nothing behind. */
export function diagnose(facts: Facts, program: string | undefined): Finding[] {
  return Object.entries(checks).map(([name, check]) => ({ name, ...check(facts, program) }));
}

type Verdict = Pick<Finding, 'kind' | 'text'>;

const good = (text: string): Verdict => ({ kind: 'good', text });
const bad = (text: string): Verdict => ({ kind: 'bad', text });
const note = (text: string): Verdict => ({ kind: 'note', text });

/** node has some six threads of its own, and the launcher's shell forks once. */
const FEWEST_PIDS = 16;

const shells = ['sh', 'bash', 'dash', 'ash', 'busybox', 'zsh', 'ksh', 'mksh'];
const packageManagers = ['npm', 'npx', 'yarn', 'pnpm'];

/** By the names of the findings, in their order. */
const checks: Readonly<Record<string, (facts: Facts, program: string | undefined) => Verdict>> = {
  pid1({ pid, pid1, above }) {
    if (pid === 1) return good('this is PID 1: every orphan of the container comes here');
    if (pid1 === undefined) return note(`this is pid ${pid}; PID 1 is not visible`);
    const chain = above.length === 0 ? 'no visible process' : above.join(', ');
    return note(
      `this is pid ${pid}, below ${chain}; PID 1 is ${pid1}: other processes’ orphans go there, or to a subreaper in between`,
    );
  },

  subreaper({ pid, subreaper: error }) {
    if (pid === 1) return good('PID 1 needs no PR_SET_CHILD_SUBREAPER');
    if (error === undefined) return good('it can become a subreaper: orphans of its workload come here');
    return bad(`${error}: orphans go elsewhere; allow prctl in the seccomp profile`);
  },

  proc({ isProcUsable, hasChildrenFiles }) {
    if (!isProcUsable)
      return bad('/proc is not mounted, or shows another PID namespace: survivors cannot be found; mount it');
    if (hasChildrenFiles) return good('/proc lists each process’s children: finding survivors costs little');
    return good('/proc is usable, but without children files: finding survivors reads every process');
  },

  wait({ wait: error }) {
    if (error === undefined) return good('wait4 works');
    return bad(`${error}: init refuses to start; allow wait4 in the seccomp profile`);
  },

  reaping({ kernelReaps }) {
    if (kernelReaps) return good('the kernel reaps orphans while the workload runs: there are no zombies');
    return good('init reaps orphans (from Linux 6.15 on, the kernel can)');
  },

  pidfd({ pidfd }) {
    if (pidfd === 'group')
      return good('signals go through pidfds, to groups too: a recycled pid never gets one');
    if (pidfd === 'process') return good('signals go through pidfds; to groups only from Linux 6.9 on');
    return note('no pidfds (Linux before 5.3, or refused): processes are identified by pid and start time');
  },

  seccomp({ seccomp: mode }) {
    if (mode === '2') return note('a seccomp filter is active: the checks above ran under it');
    if (mode === undefined) return note('unknown whether a seccomp filter is active');
    return note(mode === '0' ? 'no seccomp filter' : `seccomp mode ${mode}`);
  },

  'no-new-privs'({ noNewPrivileges }) {
    if (noNewPrivileges === undefined) return note('unknown whether no_new_privs is set');
    if (noNewPrivileges === '1')
      return note('no_new_privs is set: no process can gain privileges that put it out of init’s reach');
    return note('no_new_privs is not set: a set-user-ID program may be out of init’s reach');
  },

  memory({ memory }) {
    if (memory === undefined) return note('the memory cgroup cannot be read: OOM kills are not recognized');
    const { limitBytes, killsAll, oomKills } = memory;
    const limit = limitBytes === undefined ? 'no memory limit' : `memory limit ${size(limitBytes)}`;
    const kill = killsAll
      ? 'ends init too (memory.oom.group), and only the engine can report it'
      : `is recognized (oom_kill ${oomKills} so far)`;
    return note(`${limit}; an OOM kill ${kill}`);
  },

  pids({ pidsLimit }) {
    if (pidsLimit === undefined) return note('the limit on processes is unknown: no cgroup shows it');
    if (pidsLimit === 'none') return note('no limit on processes');
    if (pidsLimit >= FEWEST_PIDS) return note(`at most ${pidsLimit} processes and threads`);
    return bad(`at most ${pidsLimit} processes and threads: node may not start; raise the pids limit`);
  },

  namespace({ namespace: error }) {
    if (error === undefined) return note('a tree can have a PID namespace of its own: docs/owners.md');
    return note(`a tree cannot have a PID namespace of its own: ${printable(error)}`);
  },

  versions({ node, libc, koffi }) {
    return good(`node ${node}, ${libc}, koffi ${koffi}`);
  },

  start({ isPrepared }) {
    if (isPrepared) return good('prepared: it has taken the code that subreaper prepare has written');
    return note('not prepared: with subreaper prepare in the image, each start takes less time');
  },

  stdin({ stdin }) {
    return note(`standard input: ${stdin}`);
  },

  stderr({ stderr }) {
    if (stderr === 'closed') return note('standard error is closed: what init logs is lost');
    return note(`standard error: ${stderr}`);
  },

  /** Whether the stop signal reaches the app: what stands between init and it. */
  stop({ pid, pid1, workloadOfPid1 }, program) {
    if (program !== undefined) return stopOf(program);
    if (pid === 1 || pid1 === undefined)
      return note('name a command to see how it would be stopped: subreaper doctor -- node server.js');
    if (pid1 !== 'subreaper')
      return note(`the stop signal goes to PID 1, ${pid1}, which drops it unless it has a handler`);
    if (workloadOfPid1 === undefined) return note('PID 1 is subreaper, and has no workload');
    return stopOf(workloadOfPid1);
  },
};

function stopOf(program: string): Verdict {
  const name = programIn(program).split('/').at(-1)?.split(' ')[0] ?? program;
  if (shells.includes(name))
    return note(
      `${name} stands in between: the signal reaches its whole group, but ${name} may end before the app does; exec the app`,
    );
  if (packageManagers.includes(name))
    return note(
      `${name} stands in between, and may pass on a different status; start the app itself: node server.js`,
    );
  return good(`${printable(name)} gets the stop signal itself`);
}
