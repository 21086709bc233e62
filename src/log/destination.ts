import { constants, fstatSync, openSync, writeSync } from 'node:fs';
import { isWritable, sendWithoutBlocking } from '../native/descriptors.ts';

/** Writes as many of the bytes as fit now, without waiting for room. @returns how many */
type Write = (bytes: Buffer) => number;

type Destination = (record: string) => boolean;
const opened = new Map<1 | 2, Destination>();

/**
 * Writes a record to standard error, or output, as a whole, without ever blocking: a full pipe that nobody reads must not
 * stop the reaping. The workload shares the descriptor, so O_NONBLOCK must not be set on it. SIGPIPE must be blocked.
 * @returns false if the record is dropped
 */
export function writeWithoutBlocking(descriptor: 1 | 2, record: string): boolean {
  const write = opened.get(descriptor) ?? openDestination(descriptor);
  opened.set(descriptor, write);
  return write(record);
}

function openDestination(descriptor: 1 | 2): Destination {
  const write = openWriter(descriptor);
  // The end of a record that did not fit as a whole. It is written first, or the next record would continue the line.
  let rest: Buffer = Buffer.alloc(0);

  function writeSome(bytes: Buffer): Buffer {
    try {
      return bytes.subarray(write(bytes));
    } catch {
      // EAGAIN: full. EPIPE, EIO: no reader. There is no other place to report it.
      return bytes;
    }
  }

  return (record) => {
    if (rest.length > 0) rest = writeSome(rest);
    if (rest.length > 0) return false;
    const bytes = Buffer.from(record);
    const left = writeSome(bytes);
    if (left.length === bytes.length) return false;
    rest = left;
    return true;
  };
}

function openWriter(descriptor: 1 | 2): Write {
  const stat = fstatSync(descriptor);
  if (process.platform !== 'linux') return (bytes) => writeSync(descriptor, bytes);
  if (stat.isSocket()) return (bytes) => sendWithoutBlocking(descriptor, bytes);
  // A regular file does not block. Opened again, it would have a second offset and overwrite records.
  if (stat.isFile()) return (bytes) => writeSync(descriptor, bytes);
  try {
    // Pipes and terminals, proc(5): a separate open file description, the only one that does not block.
    const flags = constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
    const own = openSync(`/proc/self/fd/${descriptor}`, flags);
    return (bytes) => writeSync(own, bytes);
  } catch {
    // Another user's pipe, or no /proc. If poll(2) calls a pipe writable, PIPE_BUF bytes fit into it.
    return (bytes) => (isWritable(descriptor) ? writeSync(descriptor, bytes.subarray(0, 4096)) : 0);
  }
}
