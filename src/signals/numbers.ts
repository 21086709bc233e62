import { signalNumber } from './signal-names.ts';

/**
 * It asks an init that has an owner to kill its tree: SIGKILL would end init alone. No program sends it to another, and the
 * kernel does not either, but for a timer that a program sets for itself. Linux alone has the first.
 */
export const KILL_TREE = process.platform === 'linux' ? 'SIGSTKFLT' : 'SIGVTALRM';

// The numbers on this platform.
export const SIGHUP = signalNumber('SIGHUP');
export const SIGABRT = signalNumber('SIGABRT');
export const SIGKILL = signalNumber('SIGKILL');
export const SIGTERM = signalNumber('SIGTERM');
export const SIGCHLD = signalNumber('SIGCHLD');
export const SIGCONT = signalNumber('SIGCONT');
export const SIGSTOP = signalNumber('SIGSTOP');
export const SIGTSTP = signalNumber('SIGTSTP');
