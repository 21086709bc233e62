import type { Signal } from '../native/types.ts';
import { signalNumber } from './signal-names.ts';

export const stopSignalNames = ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const;
/** These ask a container to end. SIGHUP is not one: it asks a daemon to read its configuration again. */
export const stopSignals: readonly Signal[] = stopSignalNames.map(signalNumber);

/** Whether the signal asks the workload to end. */
export function isStopSignal(sent: Signal): boolean {
  return stopSignals.includes(sent);
}
