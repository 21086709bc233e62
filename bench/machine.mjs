import { cpus, loadavg, release, totalmem } from 'node:os';

/** What a figure depends on beside the candidates. */
export function describeMachine() {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    kernel: `Linux ${release()}`,
    node: process.version,
    /** Of the last minute, before the run: what else there was to do. */
    load: loadavg()[0],
  };
}
