import { koffi } from './addon.ts';
import { setImmediate } from './timers.ts';

/**
 * Makes a function that C code can call, and returns its address. koffi has room for a few thousand of them and frees none.
 *
 * An exception must not leave it: koffi would keep the exception pending, and the next call would crash the process
 * (SIGSEGV). So node's own loop throws it, and 'uncaughtException' sees it.
 * @param parameters their types, as koffi names them
 */
export function callableFromC<Args extends unknown[]>(
  parameters: readonly string[],
  callBack: (...args: Args) => unknown,
): bigint {
  const { pointer, proto, register } = koffi();
  const safe = (...args: Args) => {
    try {
      callBack(...args);
    } catch (error) {
      setImmediate(() => {
        throw error;
      });
    }
  };
  // Without a name: koffi accepts a name once.
  return register(safe, pointer(proto('void', [...parameters])));
}
