import { expect } from 'vitest';
import { until } from './proc.ts';
import { type InitOptions, initCommand, type RunningInit, startProcess } from './run-init.ts';

/** A command on a real pty, which script(1) makes. */
export interface Terminal {
  /** The pid of script(1), which holds the other end. */
  readonly pid: number;
  type(keys: string): void;
  /** Waits for text in the output after the last text that was waited for. */
  shows(text: RegExp): Promise<RegExpExecArray>;
  /** All that it has shown. */
  output(): string;
  readonly exit: RunningInit['exit'];
}

export const CTRL_C = '\x03';
export const CTRL_Z = '\x1a';
export const CTRL_BACKSLASH = '\x1c';

function shellQuoted(line: readonly string[]): string {
  return line.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
}

export function startTerminal(line: readonly string[]): Terminal {
  const running = startProcess(['script', '-qefc', `exec ${shellQuoted(line)}`, '/dev/null'], {
    env: { ...process.env, TERM: 'dumb' },
  });
  let unseen = '';
  let output = '';
  running.process.stdout?.setEncoding('utf8').on('data', (text: string) => {
    unseen += text;
    output += text;
  });
  return {
    pid: running.pid,
    type: (keys) => void running.stdin.write(keys),
    async shows(text) {
      const found = await until(() => text.exec(unseen), `${text} on the terminal`).catch((error) => {
        throw new Error(`${error.message}; it shows ${JSON.stringify(unseen)}`);
      });
      unseen = unseen.slice(found.index + found[0].length);
      return found;
    },
    output: () => output,
    exit: running.exit,
  };
}

export function initOnTerminal(init: InitOptions): Terminal {
  return startTerminal(initCommand(init));
}

/** Types a command into a shell and waits for its exit status. */
export async function expectStatus(terminal: Terminal, status: number): Promise<void> {
  terminal.type('echo status-is-$?-here\n');
  const [, seen] = await terminal.shows(/status-is-(\d+)-here/);
  expect(Number(seen)).toBe(status);
}
