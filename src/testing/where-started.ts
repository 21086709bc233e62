import type { ChildProcess } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';

/** An object with a stack. V8 makes text of it when it is read, so a call that leaks nothing costs some microseconds. */
interface Call {
  readonly stack?: string;
}

/** The default of 10 may end within a library that starts processes. */
const MOST_FRAMES = 30;
/** In memory: a tracker may last as long as its process. */
const MOST_CALLS = 1000;
const MOST_LINES = 10;

/** The lines of a stack that are in the caller's own code: not node's, nor in an installed package, as this one is. */
export function ownLines(stack: string | undefined): string[] {
  return String(stack)
    .split('\n')
    .filter((line) => /^ {4}at .*:\d+:\d+\)?$/.test(line) && !/\bnode:|\/node_modules\//.test(line));
}

/** Starts a record of the calls that start processes, spawnSync and its kin excepted: no channel tells of those. */
export function recordStarts() {
  const calls = new Map<ChildProcess, Call>();

  // Runs within the call, before the child has a pid.
  function record(message: unknown): void {
    calls.set((message as { process: ChildProcess }).process, currentCall(record));
    if (calls.size > MOST_CALLS) calls.delete(calls.keys().next().value as ChildProcess);
  }
  subscribe('child_process', record);

  return {
    /**
     * The lines of a stack: of the calls that started one of these processes. If none did, of all calls: one of them
     * started the ancestor of an orphan.
     */
    linesOf(pids: ReadonlySet<number>): string[] {
      const isOneOfThem = ({ pid, exitCode, signalCode }: ChildProcess) =>
        pid !== undefined && pids.has(pid) && exitCode === null && signalCode === null;
      const theirs = [...calls].filter(([child]) => isOneOfThem(child));
      const lines = (theirs.length > 0 ? theirs : [...calls]).flatMap(([, { stack }]) => ownLines(stack));
      return [...new Set(lines)].slice(0, MOST_LINES);
    },
    stop: () => unsubscribe('child_process', record),
  };
}

/** @param callee the function on the stack whose caller comes first */
function currentCall(callee: (message: unknown) => void): Call {
  const call: Call = {};
  const limit = Error.stackTraceLimit;
  // Not by assignment, which throws if Error is frozen.
  Reflect.set(Error, 'stackTraceLimit', MOST_FRAMES);
  Error.captureStackTrace(call, callee);
  Reflect.set(Error, 'stackTraceLimit', limit);
  return call;
}
