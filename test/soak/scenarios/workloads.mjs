import { actor } from '../paths.mjs';

/** The workload is a shell that runs this. */
export const shell = (script) => ['sh', '-c', script];

/** A job of a shell that no stop signal ends; it prints "refusing" once that is so. */
export const refusingJob = `(trap '' TERM INT QUIT HUP; echo refusing; exec sleep 1000) &`;

/** A workload that is not ended by the signals that are forwarded to it. */
export const deafTo = (signals, command) => [actor, 'ignore', signals.join(), ...command];

export const realTime = Array.from({ length: 31 }, (_, index) => 34 + index);
/** USR1, USR2, WINCH and URG. */
export const standard = [10, 12, 28, 23];
/** CONT has an action of its own in init. */
export const SIGCONT = 18;
