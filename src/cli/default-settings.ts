import type { InitOptions } from '../init/options.ts';
import type { Signal } from '../native/types.ts';

type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] };

/** The options while they are being read. */
export interface Settings extends Mutable<InitOptions> {
  rewrite: Map<Signal, Signal | 'drop'>;
  remapExit: Map<number, number>;
}

export function defaultSettings(): Settings {
  return {
    scope: 'group',
    rewrite: new Map(),
    remapExit: new Map(),
    graceMs: 2000,
    until: 'main',
    stopDelayMs: 0,
    stopTimeoutMs: undefined,
    restart: { kind: 'no' },
    pause: false,
    parentDeathSignal: undefined,
    logLevel: 'warn',
    logFormat: 'json',
  };
}
