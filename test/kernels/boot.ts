import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { spawnBound } from '../../src/index.ts';
import type { Message } from './guest/message.ts';
import type { Machine } from './machines.ts';

/** For a machine that hangs. An emulated one takes about a minute, on a busy machine much longer. */
const DEADLINE_MS = 2_700_000;

export interface Booted {
  readonly messages: readonly Message[];
  /** What the kernel printed on its console. */
  readonly console: string;
  /** How long the machine ran. */
  readonly ms: number;
}

/**
 * Boots a kernel, and waits until the machine is switched off.
 * @param folder for what the kernel prints, and what the scenes report
 */
export async function boot(
  machine: Machine,
  image: string,
  initramfs: string,
  folder: string,
): Promise<Booted> {
  const start = performance.now();
  const consoleFile = join(folder, 'console');
  const messageFile = join(folder, 'messages');
  const qemu = spawnBound(
    machine.qemu,
    [
      ...['-nodefaults', '-no-user-config', '-display', 'none', '-smp', '2', '-m', '2048'],
      // Not KVM, which a virtual machine may offer and then refuse in the middle of a start. One thread for both
      // processors: with a thread each, one may still run the breakpoint with which the kernel has patched its own code
      // (text_poke in alternative.c) after the kernel has taken it away: "Oops: int3", in one of some hundred starts.
      ...['-accel', 'tcg,thread=single'],
      ...['-kernel', image, '-initrd', initramfs],
      // A PID 1 that exits is a panic of the kernel, which restarts the machine: here that is its end.
      ...['-append', parameters(machine), '-no-reboot'],
      ...['-serial', `file:${consoleFile}`, ...machine.options(messageFile)],
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let hangs = false;
  const deadline = setTimeout(() => {
    hangs = true;
    qemu.kill('SIGTERM');
  }, DEADLINE_MS);
  const [[status], errors] = await Promise.all([
    once(qemu, 'exit'),
    text(qemu.stderr as NodeJS.ReadableStream),
  ]);
  clearTimeout(deadline);
  // Of a machine that hangs, the scenes that it has run still count.
  if (status !== 0 && !hangs) throw new Error(`QEMU ended with ${status}: ${errors}`);
  const lines = readFileSync(messageFile, 'utf8').split('\n');
  return {
    messages: lines.map(parse).filter((message) => message !== undefined),
    console: readFileSync(consoleFile, 'latin1'),
    ms: performance.now() - start,
  };
}

/** What the kernel does not know becomes the environment of /init. */
function parameters({ console, reportPort }: Machine): string {
  return `rdinit=/init console=${console} loglevel=3 panic=-1 REPORT_PORT=/dev/${reportPort}`;
}

/** The firmware may write to the port as well, and the last line may be cut off. */
function parse(line: string): Message | undefined {
  try {
    return JSON.parse(line) as Message;
  } catch {
    return undefined;
  }
}
