import { resolve } from 'node:path';
import {
  type Exit,
  type InitOptions,
  initCommand,
  type RunningInit,
  runInit,
  startInit,
} from './run-init.ts';

export interface AppOptions extends Pick<InitOptions, 'mode' | 'under' | 'spawn'> {
  /** node's options. The default makes the app its own init. */
  readonly flags?: readonly string[];
  readonly args?: readonly string[];
}

/** The two ways to load it before the app. Each loads a different file. */
export const waysToRegister = [
  ['--import', 'subreaper/register'],
  ['--require', 'subreaper/register'],
] as const;
const [registered] = waysToRegister;

function asInit(program: readonly string[], options: AppOptions): InitOptions {
  const { flags = registered, args = [], ...rest } = options;
  return { ...rest, launch: ['node', ...flags, ...program], command: args };
}

/** Starts an app of test/apps with itself as its init. */
export function startApp(name: string, options: AppOptions = {}): Promise<RunningInit> {
  return startInit(asInit([resolve(import.meta.dirname, '../apps', name)], options));
}

const inline = (code: string) => ['--input-type=module', '-e', code];

/** Starts a few lines of ESM as their own init. */
export function startCode(code: string, options: AppOptions = {}): Promise<RunningInit> {
  return startInit(asInit(inline(code), options));
}

/** Runs a few lines of ESM as their own init, and waits for the end. */
export function runCode(
  code: string,
  options: AppOptions = {},
): Promise<Exit & { stdout: string; stderr: string }> {
  return runInit(asInit(inline(code), options));
}

/** The command line that runs a few lines of ESM as their own init. */
export function codeCommand(code: string, options: AppOptions = {}): string[] {
  return initCommand(asInit(inline(code), options));
}
