import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

export interface Output {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command. @throws if it cannot be started */
export async function run(file: string, args: readonly string[], cwd?: string): Promise<Output> {
  const child = spawn(file, args, {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    // Every engine has this builder. BuildKit is a plugin, and pulls a frontend.
    env: { ...process.env, DOCKER_BUILDKIT: '0' },
  });
  const code = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  const [exit, stdout, stderr] = await Promise.all([code, text(child.stdout), text(child.stderr)]);
  return { code: exit, stdout, stderr };
}

/** Runs a command that must succeed. @returns its standard output, trimmed @throws with its standard error */
export async function must(file: string, args: readonly string[], cwd?: string): Promise<string> {
  const { code, stdout, stderr } = await run(file, args, cwd);
  if (code !== 0)
    throw new Error(`${file} ${args.slice(0, 3).join(' ')} … ended with ${code}: ${stderr || stdout}`);
  return stdout.trim();
}

/** The docker client, with the engine of DOCKER_HOST. */
export function docker(...args: readonly string[]): Promise<Output> {
  return run('docker', args);
}

/** The same for a command that must succeed. @returns its standard output, trimmed @throws with its standard error */
export function mustDocker(...args: readonly string[]): Promise<string> {
  return must('docker', args);
}

/** Whether a command is installed. */
export async function isInstalled(command: string): Promise<boolean> {
  return (await run('sh', ['-c', 'command -v "$0"', command])).code === 0;
}
