declare const brand: unique symbol;

/** A process ID in the caller's PID namespace, as getpid(2) returns it. */
export type Pid = number & { readonly [brand]: 'pid' };

/** A signal number, 1 to 64: signal(7). */
export type Signal = number & { readonly [brand]: 'signal' };

/** A positive error number: errno(3). */
export type Errno = number & { readonly [brand]: 'errno' };

/** A set of signals. Bit n-1 is signal n, as in the Sig… fields of /proc/pid/status: proc(5). */
export type SignalSet = bigint & { readonly [brand]: 'signal-set' };

/**
 * Bytes, one per character, U+0000 to U+00FF ('latin1'). To the kernel, arguments, paths and the environment are bytes.
 * Decoding them as UTF-8 would change everything that is not UTF-8 on its way to the workload.
 */
export type ByteString = string & { readonly [brand]: 'bytes' };
