import { constants, fstatSync, openSync, writeSync } from 'node:fs';
import { isWritable, sendWithoutBlocking } from '../native/descriptors.ts';

const STDERR = 2;

/** Takes as much of the bytes as fits at this instant, and does not wait for room. */
type Write = (bytes: Buffer) => number;

/**
 * Standard error, written without ever blocking: a full pipe that nobody reads must not stop the reaping. The
 * descriptor is shared with the workload, so O_NONBLOCK may not be set on it. SIGPIPE must be blocked.
 * @returns a function that writes a whole record, or returns false and leaves it out
 */
export function openDestination(): (record: string) => boolean {
  const write = openWriter();
  // The end of a record of which only the beginning fitted: it goes first, or the next would continue it.
  let rest: Buffer = Buffer.alloc(0);

  function writeSome(bytes: Buffer): Buffer {
    try {
      return bytes.subarray(write(bytes));
    } catch {
      // EAGAIN: full. EPIPE, EIO: nobody is left to read. There is no other place to say so.
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

function openWriter(): Write {
  const stat = fstatSync(STDERR);
  if (process.platform !== 'linux') return (bytes) => writeSync(STDERR, bytes);
  if (stat.isSocket()) return (bytes) => sendWithoutBlocking(STDERR, bytes);
  // A regular file does not block, and opened again it would have an offset of its own and overwrite.
  if (stat.isFile()) return (bytes) => writeSync(STDERR, bytes);
  try {
    // An open file description of init's own: only this one does not block. Pipes and terminals, proc(5).
    const own = openSync('/proc/self/fd/2', constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    return (bytes) => writeSync(own, bytes);
  } catch {
    // Another user's pipe, or no /proc. Up to PIPE_BUF bytes fit into a pipe that poll(2) calls writable.
    return (bytes) => (isWritable(STDERR) ? writeSync(STDERR, bytes.subarray(0, 4096)) : 0);
  }
}
