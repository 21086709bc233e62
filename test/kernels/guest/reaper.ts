import { statusField } from '../../helpers/proc.ts';

const SIGCHLD = 17;

/** Whether the process ignores SIGCHLD, so that the kernel reaps its children. */
export function ignoresChildren(pid: number): boolean {
  return (BigInt(`0x${statusField(pid, 'SigIgn') || '0'}`) & (1n << BigInt(SIGCHLD - 1))) !== 0n;
}

/** What `subreaper -v` says of the reaping, once it has. */
export function whoReaps(log: string): string | undefined {
  return /"msg":"([^"]* orphans)"/.exec(log)?.[1];
}
