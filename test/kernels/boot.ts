import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { spawnSupervised } from '../../src/testing/spawn-supervised.ts';
import type { Message } from './guest/message.ts';

/** For a machine that hangs. An emulated one takes a minute, on a busy machine much longer. */
const DEADLINE_MS = 1_800_000;

export interface Booted {
  readonly messages: readonly Message[];
  /** What the kernel printed on its console. */
  readonly console: string;
  /** How long the machine ran. */
  readonly ms: number;
}

/** Boots a kernel, and collects what the scenes say until the machine is switched off. */
export async function boot(image: string, initramfs: string, consoleFile: string): Promise<Booted> {
  const start = performance.now();
  const qemu = spawnSupervised(
    'qemu-system-x86_64',
    [
      ...['-nodefaults', '-no-user-config', '-display', 'none', '-cpu', 'max', '-smp', '2', '-m', '2048'],
      // Not KVM, which a virtual machine may offer and then refuse in the middle of a start.
      ...['-accel', 'tcg'],
      ...['-kernel', image, '-initrd', initramfs],
      // A PID 1 that exits is a panic of the kernel, which restarts the machine: here that is its end.
      ...['-append', 'rdinit=/init console=ttyS0 loglevel=3 panic=-1', '-no-reboot'],
      // The first serial port is the kernel's. Its messages must not get between those of the scenes, on the second.
      ...['-serial', `file:${consoleFile}`, '-serial', 'stdio'],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const deadline = setTimeout(() => qemu.kill('SIGTERM'), DEADLINE_MS);
  const messages: Message[] = [];
  let errors = '';
  qemu.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const lines = createInterface({ input: qemu.stdout as NodeJS.ReadableStream });
  lines.on('line', (line) => {
    const message = parse(line);
    if (message !== undefined) messages.push(message);
  });
  await once(qemu, 'close');
  clearTimeout(deadline);
  if (messages.length === 0 && errors !== '') throw new Error(`QEMU: ${errors}`);
  return { messages, console: readFileSync(consoleFile, 'latin1'), ms: performance.now() - start };
}

/** The firmware may write to the port as well. */
function parse(line: string): Message | undefined {
  try {
    return JSON.parse(line) as Message;
  } catch {
    return undefined;
  }
}
