import type { Mode } from '../../helpers/run-init.ts';
import type { Kernel } from '../kernels.ts';

/** As PID 1 of the machine itself, beside the two modes of the integration tests. */
export type Place = Mode | 'machine';

/**
 * Something that subreaper does on a kernel. The emulated machine only reports what it has seen; the test compares that
 * with what is expected of the kernel.
 */
export interface Scene {
  readonly name: string;
  readonly places: readonly Place[];
  see(place: Place): Promise<unknown>;
  expected(kernel: Kernel): unknown;
}

/** A scene that is the same as PID 1 of a PID namespace and as a plain subreaper. */
export function inBothModes(
  name: string,
  see: (mode: Mode) => Promise<unknown>,
  expected: (kernel: Kernel) => unknown,
): Scene {
  return { name, places: ['pid1', 'subreaper'], see: (place) => see(place as Mode), expected };
}

export function asPid1OfTheMachine(
  name: string,
  see: () => Promise<unknown>,
  expected: (kernel: Kernel) => unknown,
): Scene {
  return { name, places: ['machine'], see, expected };
}

const placeNames = {
  machine: 'as PID 1 of the machine',
  pid1: 'as PID 1 of a namespace',
  subreaper: 'as a plain subreaper',
};

export function sceneName({ name }: Scene, place: Place): string {
  return `${name}, ${placeNames[place]}`;
}
