import { actor } from '../paths.mjs';

/** The workload is a shell that runs this. */
export const shell = (script) => ['sh', '-c', script];

/** A background job that ignores all stop signals; it prints "refusing" once it does. */
export const refusingJob = `(trap '' TERM INT QUIT HUP; echo refusing; exec sleep 1000) &`;

/** A workload that survives the forwarded signals. */
export const deafTo = (signals, command) => [actor, 'ignore', signals.join(), ...command];

export const realTime = Array.from({ length: 31 }, (_, index) => 34 + index);
/** USR1, USR2, WINCH and URG. */
export const standard = [10, 12, 28, 23];
/** init itself acts on CONT. */
export const SIGCONT = 18;
