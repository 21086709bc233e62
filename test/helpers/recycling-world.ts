import type { Pid } from '../../src/native/types.ts';

/** So that there is a tree. */
const EVENTS_BEFORE = 10;

interface Living {
  readonly pid: number;
  readonly startTime: number;
  parent: number;
  readonly isBelowRoot: boolean;
}

/** A first process, and a subreaper below it. Both live for ever. */
const FIRST = 1;
export const ROOT = 2 as Pid;
const PIDS = Array.from({ length: 8 }, (_, index) => index + 3);

/**
 * A small machine of few pids. Between two looks at it processes fork, end, and leave their pid to others: `choices` says
 * which. With the last choice, time stands still.
 */
export class RecyclingWorld {
  private readonly living = new Map<number, Living>();
  private readonly free = [...PIDS];
  private readonly choices: readonly number[];
  private readonly open = new Map<
    number,
    { readonly file: string; readonly process: Living; isRead: boolean }
  >();
  private next = 0;
  private clock = 0;
  /** "PID START" of every process that was ever below the subreaper. */
  readonly everBelowRoot = new Set<string>();

  constructor(choices: readonly number[]) {
    this.choices = choices;
    this.add(FIRST, 0, false);
    this.add(ROOT, FIRST, false);
    for (let event = 0; event < EVENTS_BEFORE; event++) this.forkOrEnd();
  }

  private add(pid: number, parent: number, isBelowRoot: boolean): void {
    const startTime = ++this.clock;
    this.living.set(pid, { pid, startTime, parent, isBelowRoot });
    if (isBelowRoot) this.everBelowRoot.add(`${pid} ${startTime}`);
  }

  private happen(): void {
    const events = (this.choices[this.next++] ?? 0) % 4;
    for (let event = 0; event < events; event++) this.forkOrEnd();
  }

  /** A process ends, or forks if there is a free pid for its child. */
  private forkOrEnd(): void {
    const choice = this.choices[this.next++];
    if (choice === undefined) return;
    const all = [...this.living.values()];
    const one = all[(choice >> 2) % all.length] as Living;
    const mayEnd = one.pid !== FIRST && one.pid !== ROOT;
    if (mayEnd && (choice % 2 === 0 || this.free.length === 0)) this.end(one);
    else {
      // The one that was freed last: nothing else is as easily taken for what it was.
      const pid = this.free.pop();
      if (pid !== undefined) this.add(pid, one.pid, one.isBelowRoot || one.pid === ROOT);
    }
  }

  /** Its children go to the subreaper above it, or to the first process. */
  private end(one: Living): void {
    this.living.delete(one.pid);
    this.free.push(one.pid);
    for (const child of this.living.values())
      if (child.parent === one.pid) child.parent = one.isBelowRoot ? ROOT : FIRST;
  }

  private textOf(file: string, { pid, parent, startTime }: Living): string {
    if (!file.endsWith('/stat'))
      return [...this.living.values()]
        .filter((child) => child.parent === pid)
        .map((child) => `${child.pid} `)
        .join('');
    return `${pid} (a (b) c) S ${parent} ${'1 '.repeat(15)}1 0 ${startTime} 0\n`;
  }

  /** The calls of node:fs that the process table makes. */
  readonly fs = {
    existsSync: () => this.hasChildrenFiles,
    readdirSync: (): string[] => {
      this.happen();
      return ['self', ...[...this.living.keys()].map(String)];
    },
    openSync: (file: string): number => {
      this.happen();
      const process = this.living.get(Number(file.split('/')[2]));
      if (process === undefined) throw Object.assign(new Error(file), { code: 'ENOENT' });
      const descriptor = this.open.size + 3;
      this.open.set(descriptor, { file, process, isRead: false });
      return descriptor;
    },
    readSync: (descriptor: number, buffer: Buffer): number => {
      this.happen();
      const { file, process, isRead } = this.open.get(descriptor) as {
        file: string;
        process: Living;
        isRead: boolean;
      };
      // The file is that of the process, and not of another one with its pid.
      if (this.living.get(process.pid) !== process) throw Object.assign(new Error(file), { code: 'ESRCH' });
      if (isRead) return 0;
      this.open.set(descriptor, { file, process, isRead: true });
      return buffer.write(this.textOf(file, process), 'latin1');
    },
    closeSync: () => {},
  };

  hasChildrenFiles = true;
}
