// The process between an owner and its command, on Windows: dist/windows-job.cjs, started by windows.ts. Before it starts the
// command it puts itself into a job object, and all that the command starts is in that job too. The job ends with this
// process. So the owner needs only to end this process, and this process to see the owner's end.
import { spawn } from 'node:child_process';
import { writeSync } from 'node:fs';
import { attempt } from '../native/attempt.ts';
import { exitNow, onStarterEnd, terminateTreeWithThisProcess } from '../native/windows.ts';
import { type JobPlan, SAVED_PREFIX } from './windows.ts';

const FAILED = 125;
const NOT_RUNNABLE = 126;

function main(): void {
  // Ctrl-C, Ctrl-Break and the end of the console reach the command too, and it decides what they mean.
  for (const signal of ['SIGINT', 'SIGBREAK', 'SIGHUP']) process.on(signal, () => {});
  const [plan, program, ...args] = process.argv.slice(2) as [string, string, ...string[]];
  const { owner, stdio, options } = JSON.parse(plan) as JobPlan;
  terminateTreeWithThisProcess();
  // An owner that has ended by now wants no command any more.
  if (!onStarterEnd(owner, () => exitNow(FAILED))) exitNow(FAILED);

  const env: NodeJS.ProcessEnv = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (name.startsWith(SAVED_PREFIX)) env[name.slice(SAVED_PREFIX.length)] = value;
  }
  const command = spawn(program, args, {
    ...options,
    env,
    stdio: stdio.map((kind, descriptor) => (kind === 'inherit' ? descriptor : kind)),
  });
  command.on('error', fail);
  if (!stdio.includes('ipc')) {
    command.on('exit', (code) => exitNow(code as number));
    return;
  }
  // node has opened the owner's channel, so messages pass through here.
  let exitCode: number | undefined;
  let unsent = 0;
  let isConnected = true;
  /** The command's last message may come after its end. */
  const settle = () => {
    if (isConnected || unsent > 0) return;
    if (process.connected) process.disconnect();
    if (exitCode !== undefined) exitNow(exitCode);
  };
  process.on('message', (message: object, handle) => {
    // Its error is that of a command which has ended meanwhile, and has an end of its own.
    command.send(message, handle as never, undefined, () => {});
  });
  process.on('disconnect', () => command.connected && command.disconnect());
  command.on('message', (message: object, handle) => {
    unsent++;
    process.send?.(message, handle as never, undefined, () => {
      unsent--;
      settle();
    });
  });
  command.on('disconnect', () => {
    isConnected = false;
    settle();
  });
  command.on('exit', (code) => {
    exitCode = code as number;
    settle();
  });
}

function fail(error: Error): never {
  try {
    writeSync(2, `subreaper: cannot start the command, ${error.message}\n`);
  } catch {
    // Nobody reads standard error. The exit status still tells.
  }
  const status = error.message.startsWith('spawn') ? NOT_RUNNABLE : FAILED;
  // This fails if koffi is missing. Then no thread waits for the owner either.
  attempt(() => exitNow(status));
  process.exit(status);
}

try {
  main();
} catch (error) {
  fail(error as Error);
}
