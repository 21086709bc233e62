import { closeSync, openSync } from 'node:fs';
import { bind, koffi } from './addon.ts';
import { orUndefined } from './attempt.ts';
import * as constants from './constants.ts';
import { openPipe } from './descriptors.ts';
import * as layouts from './layouts.ts';
import { detectLibc } from './libc.ts';
import { sigset } from './signal-set.ts';
import { checked, SystemError } from './system-error.ts';
import type { ByteString, Errno, Pid, SignalSet } from './types.ts';

const posixSpawnp = bind<[Int32Array, Buffer, Buffer, Buffer, Buffer, Buffer], number>(
  'int posix_spawnp(void *, void *, void *, void *, void *, void *)',
);
const attrInit = bind<[Buffer], number>('int posix_spawnattr_init(void *)');
const attrSetFlags = bind<[Buffer, number], number>('int posix_spawnattr_setflags(void *, short)');
const attrSetDefault = bind<[Buffer, Buffer], number>('int posix_spawnattr_setsigdefault(void *, void *)');
const attrSetGroup = bind<[Buffer, number], number>('int posix_spawnattr_setpgroup(void *, int)');
const attrSetMask = bind<[Buffer, Buffer], number>('int posix_spawnattr_setsigmask(void *, void *)');

const actionsInit = bind<[Buffer], number>('int posix_spawn_file_actions_init(void *)');
const actionsAddOpen = bind<[Buffer, number, string, number, number], number>(
  'int posix_spawn_file_actions_addopen(void *, int, str, int, uint)',
);
const actionsAddClose = bind<[Buffer, number], number>('int posix_spawn_file_actions_addclose(void *, int)');
const actionsAddFchdir = bind<[Buffer, number], number>(
  'int posix_spawn_file_actions_addfchdir_np(void *, int)',
);
const actionsDestroy = bind<[Buffer], number>('int posix_spawn_file_actions_destroy(void *)');

const fchdirCall = bind<[number], number>('int fchdir(int)');

export interface Spawn {
  /** Searched in PATH unless it contains a slash. */
  readonly file: ByteString;
  /** argv[0] included. */
  readonly argv: readonly ByteString[];
  /** "NAME=value" entries. */
  readonly environment: readonly ByteString[];
  /** Signals that start with their default action. Ignored signals outside this set stay ignored. */
  readonly defaultSignals: SignalSet;
  /** The new process's signal mask. */
  readonly signalMask: SignalSet;
  /** The process group that it joins, of the same session. */
  readonly group?: Pid | undefined;
  /** What it leads if it joins no group: a new process group (the default), a new session, or nothing. */
  readonly leads?: 'group' | 'session' | 'nothing';
  /**
   * The leader of a session opens its standard input again, and so makes it its controlling terminal, tty(4), unless another
   * session has it. The value is a descriptor that is free, or that execve(2) closes.
   */
  readonly openTerminalAs?: number | undefined;
  /**
   * Whether the caller leaves its working directory for `/` before the program runs there. It stays if the child could not
   * enter that directory: it may not be searched, or glibc is older than 2.29.
   */
  readonly leavesDirectory?: boolean;
}

let held: ReturnType<typeof openPipe> | undefined;

/**
 * musl's posix_spawn(3) opens a pipe, for the error of the child. Its numbers must be below the limit on descriptors, which
 * is the new program's then: so the caller holds two, before it opens all that it needs itself.
 */
export function holdNumbersForSpawn(): void {
  if (detectLibc() === 'musl') held ??= orUndefined(openPipe);
}

/** Runs it with the two numbers free. */
function withNumbers(call: () => number): number {
  if (held === undefined) return call();
  closeSync(held.readEnd);
  closeSync(held.writeEnd);
  held = undefined;
  const result = call();
  // For another run.
  holdNumbersForSpawn();
  return result;
}

const flagOf = { group: constants.POSIX_SPAWN_SETPGROUP, session: constants.POSIX_SPAWN_SETSID, nothing: 0 };

/**
 * Starts a program, posix_spawnp(3). libuv does not know the child, so wait4(2) for any child has only one caller.
 * @throws SystemError with the error of execve(2) or fork(2); ENOEXEC for a file of unknown format
 */
export function spawn(how: Spawn): Pid {
  const { group, leads = 'group', openTerminalAs, leavesDirectory } = how;
  const attributes = Buffer.alloc(layouts.sizeofSpawnAttributes);
  attrInit(attributes);
  // New attributes have process group 0: a new group, led by the child.
  if (group !== undefined) attrSetGroup(attributes, group);
  attrSetFlags(
    attributes,
    flagOf[leads] | constants.POSIX_SPAWN_SETSIGDEF | constants.POSIX_SPAWN_SETSIGMASK,
  );
  attrSetDefault(attributes, sigset(how.defaultSignals));
  attrSetMask(attributes, sigset(how.signalMask));

  const actions = Buffer.alloc(layouts.sizeofSpawnFileActions);
  actionsInit(actions);
  if (openTerminalAs !== undefined) {
    // posix_spawn(3) makes the session before these: the open without O_NOCTTY makes the terminal that of the session.
    actionsAddOpen(actions, openTerminalAs, '/proc/self/fd/0', constants.O_RDWR, 0);
    actionsAddClose(actions, openTerminalAs);
  }
  const left = leavesDirectory ? leaveDirectory(actions) : undefined;
  const pid = new Int32Array(1);
  const error = withNumbers(() =>
    posixSpawnp(
      pid,
      Buffer.from(`${how.file}\0`, 'latin1'),
      actions,
      attributes,
      stringArray(how.argv),
      stringArray(how.environment),
    ),
  );
  actionsDestroy(actions);
  if (left !== undefined) {
    // A relative command is then looked for once more, to say why it cannot be run.
    if (error !== 0) fchdirCall(left);
    closeSync(left);
  }
  if (error !== 0) throw new SystemError('posix_spawnp', error as Errno);
  return pid[0] as Pid;
}

/**
 * By a descriptor, since the directory may have no name any more.
 * @returns the descriptor of the directory that the caller has left, and that the child will enter; undefined if it stays
 */
function leaveDirectory(actions: Buffer): number | undefined {
  let directory: number | undefined;
  try {
    directory = openSync('.', constants.O_PATH);
    // If this is refused, so is the child's.
    checked('fchdir', fchdirCall(directory));
    process.chdir('/');
    actionsAddFchdir(actions, directory);
    return directory;
  } catch {
    if (directory === undefined) return undefined;
    fchdirCall(directory);
    closeSync(directory);
    return undefined;
  }
}

/** A NULL-terminated array of pointers, as execve(2) takes it, followed by the strings it points to. */
function stringArray(strings: readonly ByteString[]): Buffer {
  const pointersSize = (strings.length + 1) * 8;
  const text = strings.map((string) => `${string}\0`).join('');
  const bytes = Buffer.alloc(pointersSize + text.length);
  bytes.write(text, pointersSize, 'latin1');
  let address = BigInt(koffi().address(bytes)) + BigInt(pointersSize);
  strings.forEach((string, index) => {
    bytes.writeBigUInt64LE(address, index * 8);
    address += BigInt(string.length + 1);
  });
  return bytes;
}
