import { constants } from './abi.ts';
import { foreign } from './addon.ts';
import { checked } from './system-error.ts';
import type { Pid } from './types.ts';

const openCall = foreign<[string, number], number>('open', 'int', ['str', 'int']);
const tcgetpgrpCall = foreign<[number], number>('tcgetpgrp', 'int', ['int']);
const tcsetpgrpCall = foreign<[number, number], number>('tcsetpgrp', 'int', ['int', 'int']);

/**
 * A close-on-exec descriptor of the controlling terminal, whatever standard input is: tty(4). Undefined where
 * the process has none. (Node's own open would build an exception in the usual case, a container without one.)
 */
export function openControllingTerminal(): number | undefined {
  const { O_RDWR, O_NOCTTY, O_CLOEXEC } = constants;
  const descriptor = openCall('/dev/tty', O_RDWR | O_NOCTTY | O_CLOEXEC);
  return descriptor === -1 ? undefined : descriptor;
}

/** tcgetpgrp(3). @throws SystemError ENOTTY once the terminal has hung up */
export function foregroundGroup(terminal: number): Pid {
  return checked('tcgetpgrp', tcgetpgrpCall(terminal)) as Pid;
}

/**
 * tcsetpgrp(3). A caller in the background must block SIGTTOU, or it is stopped.
 * @throws SystemError EPERM for a group of another session, ESRCH for one without a process
 */
export function setForegroundGroup(terminal: number, group: Pid): void {
  checked('tcsetpgrp', tcsetpgrpCall(terminal, group));
}
