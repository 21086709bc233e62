import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import { onTestFinished } from 'vitest';
import { actor, inject, launcher, unshareArguments } from './environment.ts';
import type { Mode } from './run-init.ts';
import { spawnPatiently } from './spawn-patiently.ts';

/** Where the counting of a call begins: see inject.c. */
export type Phase = 'launcher' | 'node' | 'init' | 'spawn';

/** A system call of init that fails. */
export interface Fault {
  readonly mode: Mode;
  readonly phase: Phase;
  readonly call: string;
  readonly errno: string;
  /** The Nth call of the phase. */
  readonly nth: number;
  /** Every call from that one on. */
  readonly andAllBehind: boolean;
}

/** What became of init, and of its workload: `actor duties`. */
export interface Injected {
  /** How many calls failed. */
  readonly injected: number;
  readonly code: number;
  readonly signal: number;
  /** init had not ended in time. */
  readonly hung: boolean;
  /** If it hung: the system call that its main thread waited in. */
  readonly waitsIn: string;
  /** Whether a process outlived init. */
  readonly left: boolean;
  /** How often init made each call, by phase. */
  readonly counts: Readonly<Record<Phase, Readonly<Record<string, number>>>>;
  /** Whether the workload ran. */
  readonly started: boolean;
  readonly stderr: string;
}

/** For what hangs: no case fails because a machine is slow. */
const HANG_SECONDS = 120;

export function describeFault({ mode, phase, call, errno, nth, andAllBehind }: Fault): string {
  return `${mode} ${phase} ${call} ${errno} ${nth}${andAllBehind ? '+' : ''}`;
}

/** Runs init over the workload, and makes its calls fail. */
export function runWithFault(fault: Fault, tries = 60): Promise<Injected> {
  const { mode, phase, call, errno, nth, andAllBehind } = fault;
  const number = constants.errno[errno as keyof typeof constants.errno];
  return run([mode, phase, call, `${number}`, `${nth}${andAllBehind ? '+' : ''}`], tries);
}

/** Runs init without a fault, and counts its calls. */
export function countCalls(mode: Mode): Promise<Injected> {
  return run([mode, 'init', 'count', '0', '0'], 60);
}

function run(injection: readonly string[], tries: number): Promise<Injected> {
  const line = [inject, ...injection, `${HANG_SECONDS}`, launcher, '--grace', '10ms', '--', actor, 'duties'];
  const child = spawnPatiently('unshare', [...(unshareArguments ?? []), '--', ...line, `${tries}`], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], NODE_OPTIONS: '--no-warnings' },
  });
  // The end of unshare is the end of all that runs in its namespace.
  onTestFinished(() => void child.kill('SIGKILL'));
  const [, stdout, stderr, report] = child.stdio.map((stream) => readAll(stream as Readable | null));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', () => {
      try {
        const facts = JSON.parse(report?.() ?? '') as Omit<Injected, 'started' | 'stderr'>;
        resolve({ ...facts, started: stdout?.() !== '', stderr: stderr?.() ?? '' });
      } catch (error) {
        reject(new Error(`inject reported nothing: ${stderr?.()}`, { cause: error }));
      }
    });
  });
}

function readAll(stream: Readable | null): () => string {
  let text = '';
  stream?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  return () => text;
}
