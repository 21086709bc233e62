import { setImmediate } from './timers.ts';

/**
 * Makes a function safe for C code to call. An exception must not leave it: koffi would keep the exception pending, and
 * the next call would crash the process (SIGSEGV). So node's own loop throws it, and 'uncaughtException' sees it.
 */
export function safeForC<Args extends unknown[]>(callBack: (...args: Args) => void): (...args: Args) => void {
  return (...args) => {
    try {
      callBack(...args);
    } catch (error) {
      setImmediate(() => {
        throw error;
      });
    }
  };
}
