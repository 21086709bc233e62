import { closeSync, constants, fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs';

/** Where Kubernetes takes a container's last words from, unless the pod names another file. */
const KUBERNETES_FILE = '/dev/termination-log';
/** Kubernetes keeps no more. */
const MOST_BYTES = 4096;

/**
 * Leaves one sentence behind. What the workload itself has written there since init started stays.
 * @param file undefined for the file of Kubernetes: then only if it is there
 * @throws Error ELOOP for a symbolic link, EMLINK for a file with a second name, EACCES, EROFS
 */
export function writeTerminationLog(file: string | undefined, sentence: string): void {
  const descriptor = open(file);
  if (descriptor === undefined) return;
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) return;
    // A hard link, to a file that the folder's owner may not write to, say.
    if (stat.nlink !== 1) throw new Error('EMLINK: the file has other hard links');
    // The clock may have been set since, forward or back.
    const startedAt = Math.min(performance.timeOrigin, Date.now() - process.uptime() * 1000);
    if (stat.size > 0 && stat.mtimeMs >= startedAt) return;
    ftruncateSync(descriptor, 0);
    writeSync(descriptor, cut(sentence));
  } finally {
    closeSync(descriptor);
  }
}

function open(file: string | undefined): number | undefined {
  // Without O_NONBLOCK, a FIFO would hold init up until somebody reads it.
  const flags = constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;
  if (file !== undefined) return openSync(file, flags | constants.O_CREAT, 0o600);
  try {
    return openSync(KUBERNETES_FILE, flags);
  } catch {
    // Not Kubernetes, or a pod that names another file.
    return undefined;
  }
}

/** The line, with as many whole characters as there is room for. */
function cut(sentence: string): Uint8Array {
  const line = new Uint8Array(MOST_BYTES);
  const { written } = new TextEncoder().encodeInto(sentence, line.subarray(0, -1));
  line[written] = 0x0a;
  return line.subarray(0, written + 1);
}
