declare const brand: unique symbol;

/** A process ID, as getpid(2) returns it: of the PID namespace that the caller is in. */
export type Pid = number & { readonly [brand]: 'pid' };

/** A signal number, 1 to 64: signal(7). */
export type Signal = number & { readonly [brand]: 'signal' };

/** A positive error number: errno(3). */
export type Errno = number & { readonly [brand]: 'errno' };

/** A set of signals. Bit n-1 stands for signal n, as in the Sig… fields of /proc/pid/status: proc(5). */
export type SignalSet = bigint & { readonly [brand]: 'signal-set' };

/**
 * Bytes, one a character, U+0000 to U+00FF ('latin1'). Arguments, paths and the environment are bytes to the
 * kernel; read as UTF-8, whatever is not UTF-8 would reach the workload changed.
 */
export type ByteString = string & { readonly [brand]: 'bytes' };
