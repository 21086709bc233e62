/** What server.mjs has written. */
export interface AppLog {
  /** Its pid in its own namespace; undefined until it is ready. */
  readonly pid: number | undefined;
  /** The stop signals that it got, in order. */
  readonly seen: readonly string[];
  readonly hasDrained: boolean;
}

/** @param text may have other lines as well */
export function readAppLog(text: string): AppLog {
  const pid = /^app \d+ ready (\d+)$/m.exec(text)?.[1];
  return {
    pid: pid === undefined ? undefined : Number(pid),
    seen: [...text.matchAll(/^app \d+ (SIG\w+)$/gm)].map(([, signal]) => signal as string),
    hasDrained: /^app \d+ drained$/m.test(text),
  };
}
