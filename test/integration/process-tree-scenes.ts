/**
 * The scenes that process-tree.test.ts runs in a PID namespace: as another user, or with pids that are used again, which
 * writing ns_last_pid makes possible, proc_sys_kernel(5). The first argument names the scene. The result is one line of
 * JSON.
 *
 * Native calls start children and wait for them, so that a pid comes and goes within one turn of the event loop: no
 * timer of killTree can fire between the end of a process and the start of the next one with its pid.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { kill } from '../../src/native/process.ts';
import { spawn } from '../../src/native/spawn.ts';
import type { ByteString, SignalSet } from '../../src/native/types.ts';
import { lastWaitStatus, waitForAny } from '../../src/native/wait.ts';
import { descendants } from '../../src/process-tree/descendants.ts';
import { killTree } from '../../src/process-tree/kill-tree.ts';
import { type ProcessInfo, readProcess } from '../../src/process-tree/process-table.ts';
import { signalProcess } from '../../src/process-tree/signal-process.ts';
import { decodeWaitStatus, type WaitStatus } from '../../src/reaper/wait-status.ts';
import { signalNumber } from '../../src/signals/signal-names.ts';
import { statusField, until } from '../helpers/proc.ts';

const LAST_PID = '/proc/sys/kernel/ns_last_pid';
const SIGKILL = signalNumber('SIGKILL');
const SIGUSR1 = signalNumber('SIGUSR1');

function start(...line: string[]): ProcessInfo {
  const argv = line as string[] as ByteString[];
  const pid = spawn({
    file: argv[0] as ByteString,
    argv,
    environment: [`PATH=${process.env['PATH']}`] as ByteString[],
    defaultSignals: 0n as SignalSet,
    signalMask: 0n as SignalSet,
  });
  return readProcess(pid) as ProcessInfo;
}

/** Waits for a child without a turn of the event loop. */
function reaped({ pid }: ProcessInfo): WaitStatus {
  for (;;) {
    const waited = waitForAny(false);
    if (waited === 'no-children') throw new Error(`${pid} is no child`);
    if (waited !== 'nothing-yet' && waited === pid) return decodeWaitStatus(lastWaitStatus());
  }
}

/** Waits until a new process has another start time, which counts hundredths of a second. */
function outliveTick({ startTime }: ProcessInfo): void {
  const now = () => Math.round(Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0]) * 100);
  while (now() <= startTime + 1);
}

/** Starts a process with the pid of one that is gone. */
function startWithPidOf({ pid }: ProcessInfo): ProcessInfo {
  for (;;) {
    writeFileSync(LAST_PID, `${pid - 1}`);
    const started = start('sleep', '1000');
    if (started.pid === pid) return started;
    // A thread of node took the pid.
    kill(started.pid, SIGKILL);
    reaped(started);
  }
}

/** How a process ends on SIGUSR1: it shows whether another signal ended or stopped it before. */
function endOf(info: ProcessInfo): WaitStatus {
  kill(info.pid, SIGUSR1);
  return reaped(info);
}

const scenes: Record<string, (argument: string) => unknown> = {
  signalProcess() {
    const first = start('sleep', '1000');
    outliveTick(first);
    kill(first.pid, SIGKILL);
    reaped(first);
    const toNobody = signalProcess(first, SIGKILL);
    const second = startWithPidOf(first);
    const toFirst = signalProcess(first, SIGKILL);
    const toSecond = signalProcess(second, SIGUSR1);
    return { toNobody, toFirst, toSecond, second: reaped(second) };
  },

  async root() {
    const root = start('sleep', '1000');
    outliveTick(root);
    const done = killTree(root.pid, { graceMs: 200 });
    const first = reaped(root);
    const second = startWithPidOf(root);
    await done;
    return { first, second: endOf(second) };
  },

  async member() {
    // The child starts with the default action of SIGTERM. Then the root, which waits for it, ignores SIGTERM.
    const root = start('sh', '-c', 'sleep 1000 & trap "" TERM; wait; exec sleep 1000');
    const ignoresTerm = () => ((BigInt(`0x${statusField(root.pid, 'SigIgn') || 0}`) >> 14n) & 1n) === 1n;
    const member = await until(
      () => ignoresTerm() && descendants(root.pid).find(({ name }) => name === 'sleep'),
      'the tree is complete',
    );
    outliveTick(member);
    const done = killTree(root.pid, { graceMs: 300 });
    while (readProcess(member.pid) !== undefined);
    const second = startWithPidOf(member);
    await done;
    return { root: reaped(root), second: endOf(second) };
  },

  async order() {
    writeFileSync(LAST_PID, '30000');
    const grandchild = `echo 100 > ${LAST_PID}; sleep 1000 & wait`;
    const root = start('sh', '-c', `echo 300 > ${LAST_PID}; sh -c "$0" & wait`, grandchild);
    const below = await until(() => {
      const found = descendants(root.pid);
      return found.some(({ name }) => name === 'sleep') && found;
    }, 'the tree is complete');
    return { root: root.pid, below: below.map(({ pid, parent }) => ({ pid, parent })) };
  },

  async refused(graceMs) {
    const nobody = 65534;
    const ignoring = `setpriv --reuid ${nobody} sh -c 'trap "" TERM; exec sleep 1001'`;
    const root = start('sh', '-c', `sleep 1000 & ${ignoring} & wait`);
    const isNobodys = ({ pid }: ProcessInfo) => statusField(pid, 'Uid').startsWith(`${nobody}\t`);
    const [killable, notKillable] = await until(() => {
      const sleeps = descendants(root.pid).filter(({ name }) => name === 'sleep');
      return sleeps.length === 2 && sleeps.sort((info) => (isNobodys(info) ? -1 : 1));
    }, 'the tree is complete');
    process.setuid?.(nobody);
    const error = await killTree(root.pid, { graceMs: Number(graceMs) }).catch((refusal) => refusal);
    const stateOf = (info: ProcessInfo | undefined) => readProcess(info?.pid ?? 0)?.state ?? 'gone';
    // A refusal says nothing of when the others have ended.
    const ended = await until(() => /[Zg]/.test(stateOf(killable)), 'it ends').catch(() => false);
    return { code: error?.code, ended, refusing: [root, notKillable].map(stateOf) };
  },
};

const [, , scene = '', argument = ''] = process.argv;
console.log(JSON.stringify(await scenes[scene]?.(argument)));
// The end of the namespace ends the rest.
process.exit();
