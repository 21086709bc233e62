import type { LibraryHandle } from 'koffi';
import { koffi } from './addon.ts';
import type { Pid } from './types.ts';

// What Windows has in the place of pidfds, prctl(2) and /proc: handles, job objects and snapshots (Toolhelp). All layouts
// are those of 64 bits, which are the same on x64 and arm64.

/** An open handle. That of a process names it: while it is open, no other process gets the same pid. */
export type Handle = number & { readonly handle: unique symbol };

let kernel32: LibraryHandle | undefined;

/** Binds a function of kernel32 on its first call. */
function bind<Parameters extends unknown[], Result>(prototype: string) {
  let bound: ((...args: Parameters) => Result) | undefined;
  return (...args: Parameters): Result => {
    kernel32 ??= koffi().load('kernel32.dll');
    bound ??= kernel32.func(prototype) as unknown as (...args: Parameters) => Result;
    return bound(...args);
  };
}

const createJobObject = bind<[null, null], Handle>('intptr_t CreateJobObjectW(void *, void *)');
const setInformationJobObject = bind<[Handle, number, Buffer, number], number>(
  'int SetInformationJobObject(intptr_t, int, void *, uint32_t)',
);
const assignProcessToJobObject = bind<[Handle, Handle], number>(
  'int AssignProcessToJobObject(intptr_t, intptr_t)',
);
const openProcessCall = bind<[number, number, number], Handle>(
  'intptr_t OpenProcess(uint32_t, int, uint32_t)',
);
const getProcessTimes = bind<[Handle, Buffer, Buffer, Buffer, Buffer], number>(
  'int GetProcessTimes(intptr_t, void *, void *, void *, void *)',
);
const terminateProcess = bind<[Handle, number], number>('int TerminateProcess(intptr_t, uint32_t)');
const waitForSingleObject = bind<[Handle, number], number>(
  'uint32_t WaitForSingleObject(intptr_t, uint32_t)',
);
const createSnapshot = bind<[number, number], Handle>(
  'intptr_t CreateToolhelp32Snapshot(uint32_t, uint32_t)',
);
const process32First = bind<[Handle, Buffer], number>('int Process32FirstW(intptr_t, void *)');
const process32Next = bind<[Handle, Buffer], number>('int Process32NextW(intptr_t, void *)');

/** Afterwards the pid may be another process's. */
export const closeHandle = bind<[Handle], number>('int CloseHandle(intptr_t)');

/** GetCurrentProcess: a constant that each process knows itself by. */
const THIS_PROCESS = -1 as Handle;
const INVALID_HANDLE_VALUE = -1;
const INFINITE = 0xffff_ffff;
const WAIT_OBJECT_0 = 0;

const PROCESS_TERMINATE = 0x1;
const PROCESS_QUERY_LIMITED_INFORMATION = 0x1000;
const SYNCHRONIZE = 0x10_0000;

const JobObjectExtendedLimitInformation = 9;
const JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE = 0x2000;
/** JOBOBJECT_EXTENDED_LIMIT_INFORMATION. */
const limits = { size: 144, LimitFlags: 16 };

/**
 * Puts this process into a job object, which each process that it starts from now on joins, and so on below it. None of them
 * may leave the job. This process has the only handle: when it ends, however it does, Windows terminates all of them.
 * @throws Error if Windows refuses that
 */
export function terminateTreeWithThisProcess(): void {
  const job = createJobObject(null, null);
  const information = Buffer.alloc(limits.size);
  information.writeUInt32LE(JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE, limits.LimitFlags);
  const isInJob =
    job !== 0 &&
    setInformationJobObject(job, JobObjectExtendedLimitInformation, information, information.length) !== 0 &&
    assignProcessToJobObject(job, THIS_PROCESS) !== 0;
  if (!isInJob) throw new Error('Windows refuses the job object');
}

/**
 * Calls back once when the process that started this one has ended. A thread of libuv's pool waits for that.
 * @returns false if it has ended already, or if this process may not watch it
 */
export function onStarterEnd(pid: number, callback: () => void): boolean {
  const handle = openProcess(pid, SYNCHRONIZE | PROCESS_QUERY_LIMITED_INFORMATION);
  if (handle === undefined) return false;
  // Another process that has its pid by now has started after this one.
  if (startedMs(handle) > startedMs(THIS_PROCESS)) return false;
  kernel32 ??= koffi().load('kernel32.dll');
  const wait = kernel32.func('uint32_t WaitForSingleObject(intptr_t, uint32_t)');
  wait.async(handle, INFINITE, callback);
  return true;
}

/** A handle to end a process with, and to see its end. @returns undefined if it is gone, or may not be ended */
export function openToTerminate(pid: Pid): Handle | undefined {
  return openProcess(pid, PROCESS_TERMINATE | PROCESS_QUERY_LIMITED_INFORMATION | SYNCHRONIZE);
}

function openProcess(pid: number, access: number): Handle | undefined {
  const handle = openProcessCall(access, 0, pid);
  return handle === 0 ? undefined : handle;
}

/** Like a SIGKILL: the process cannot catch it. @returns false if it was ending already */
export function terminate(process: Handle): boolean {
  return terminateProcess(process, 1) !== 0;
}

/**
 * Ends this process. process.exit would wait for the threads of libuv's pool, one of which may wait for the end of another
 * process.
 */
export function exitNow(code: number): never {
  terminateProcess(THIS_PROCESS, code);
  throw new Error('unreachable');
}

export function isTerminated(process: Handle): boolean {
  return waitForSingleObject(process, 0) === WAIT_OBJECT_0;
}

/** FILETIME: units of 100 ns, from 1601. */
const UNITS_PER_MS = 10_000;
const MS_FROM_1601_TO_1970 = 11_644_473_600_000;

/** When a process has started, in milliseconds from 1970. NaN if that is not told. */
export function startedMs(process: Handle): number {
  const [creation, exit, kernel, user] = Array.from({ length: 4 }, () => Buffer.alloc(8)) as [
    Buffer,
    Buffer,
    Buffer,
    Buffer,
  ];
  if (getProcessTimes(process, creation, exit, kernel, user) === 0) return Number.NaN;
  return Number(creation.readBigUInt64LE()) / UNITS_PER_MS - MS_FROM_1601_TO_1970;
}

/** The same, of a process that is not open. NaN also if it is gone, or protected. */
export function processStartedMs(pid: Pid): number {
  const handle = openProcess(pid, PROCESS_QUERY_LIMITED_INFORMATION);
  if (handle === undefined) return Number.NaN;
  const ms = startedMs(handle);
  closeHandle(handle);
  return ms;
}

const TH32CS_SNAPPROCESS = 0x2;
/** PROCESSENTRY32W. */
const entries = { size: 568, th32ProcessID: 8, cntThreads: 28, th32ParentProcessID: 32, szExeFile: 44 };

export interface SnapshotEntry {
  readonly pid: Pid;
  /** Which process has started it. That may have ended, and its pid may be another one's by now. */
  readonly parent: Pid;
  /** The file's name: node.exe. */
  readonly name: string;
  readonly threads: number;
}

/** All processes of this instant. @throws Error if Windows has no memory for that */
export function snapshot(): SnapshotEntry[] {
  const handle = createSnapshot(TH32CS_SNAPPROCESS, 0);
  if (handle === INVALID_HANDLE_VALUE) {
    throw Object.assign(new Error('Windows makes no snapshot of the processes'), { code: 'ENOMEM' });
  }
  try {
    const found: SnapshotEntry[] = [];
    const entry = Buffer.alloc(entries.size);
    entry.writeUInt32LE(entries.size);
    for (let more = process32First(handle, entry); more !== 0; more = process32Next(handle, entry)) {
      const name = entry.toString('utf16le', entries.szExeFile);
      found.push({
        pid: entry.readUInt32LE(entries.th32ProcessID) as Pid,
        parent: entry.readUInt32LE(entries.th32ParentProcessID) as Pid,
        name: name.slice(0, name.indexOf('\0')),
        threads: entry.readUInt32LE(entries.cntThreads),
      });
    }
    return found;
  } finally {
    closeHandle(handle);
  }
}
