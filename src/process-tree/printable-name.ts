import { readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { orUndefined } from '../native/attempt.ts';

/**
 * What node calls its first thread: versions 24 and 26. The kernel shows that name as the process's, in place of the
 * program's.
 */
const nodesFirstThreads: readonly string[] = ['MainThread', 'node-MainThread'];

/** The kernel cuts the names of processes to so many bytes: proc_pid_comm(5). */
const LONGEST_NAME = 15;

/** What to call a process in a line for people: its program's name, or the one that it has given itself. */
export function processName({ pid, name }: { readonly pid: number; readonly name: string }): string {
  return printableName((nodesFirstThreads.includes(name) ? executableOf(pid) : undefined) ?? name);
}

/**
 * The same for a process that has ended, of which the kernel keeps the name alone.
 * @param name in any bytes: those of /proc are one character each
 */
export function printableName(name: string): string {
  return nodesFirstThreads.includes(name) ? 'node' : printable(Buffer.from(name, 'latin1').toString('utf8'));
}

/** @returns undefined if the process has ended, or another user's may not be looked at: proc_pid_exe(5) */
function executableOf(pid: number): string | undefined {
  const file = orUndefined(() => readlinkSync(`/proc/${pid}/exe`, 'latin1'));
  return file && basename(file.replace(/ \(deleted\)$/, '')).slice(0, LONGEST_NAME);
}

/**
 * The program that a word of a command line names. A word that is more than that, a whole command or VAR=value, may hold
 * secrets: what follows the name is left out.
 */
export function programIn(word: string): string {
  const [program = ''] = word.trim().split(/\s/, 1);
  const [name, ...value] = program.split('=');
  if (value.length > 0) return `${name}=…`;
  return program === word ? word : `${program} …`;
}

/** A terminal must not obey it, and nothing in it may begin a line. */
export function printable(text: string): string {
  return replaceUnprintable(text, () => '?');
}

/** Quotes text from outside for a line on a terminal: escapes what commands the terminal, or changes how the line reads. */
export function quoted(text: string): string {
  const escapes: Record<string, string> = { '\n': '\\n', '\t': '\\t' };
  const escaped = (character: string) =>
    escapes[character] ?? `\\u${character.codePointAt(0)?.toString(16).padStart(4, '0')}`;
  return `'${replaceUnprintable(text, escaped)}'`;
}

function replaceUnprintable(text: string, by: (character: string) => string): string {
  // Most text is ASCII. To make the other expression takes 0.4 ms of a start.
  return /^[ -~]*$/.test(text) ? text : text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, by);
}

const stateNames: Readonly<Record<string, string>> = {
  R: 'running',
  S: 'sleeping',
  D: 'in an uninterruptible sleep',
  T: 'stopped',
  t: 'traced',
  Z: 'zombie',
  X: 'dead',
  I: 'idle',
};

/** The state in words: proc_pid_stat(5). */
export function stateName({ state }: { readonly state: string }): string {
  return stateNames[state] ?? state;
}

/** The arguments on one line. For a process without any, a zombie say, the name in brackets, as ps(1) shows it. */
export function commandLine({ pid, name }: { readonly pid: number; readonly name: string }): string {
  // It may have ended after the snapshot.
  const strings = orUndefined(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8')) ?? '';
  const line = strings.replace(/\0$/, '').replaceAll(/[\0\s]+/g, ' ');
  return line === '' ? `[${printableName(name)}]` : printable(line);
}
