// Becomes consumer.cts too: as a module and as CommonJS it must compile, and print the same.
import {
  descendants,
  type EventChannels,
  type KillTreeOptions,
  killTree,
  type ProcessInfo,
  type ReapedOrphan,
  type RegisterOptions,
  type Registration,
  register,
  SystemError,
} from 'subreaper';
import 'subreaper/register';
import {
  type Orphan,
  orphanChain,
  type ProcessTracker,
  trackProcesses,
  waitForZombies,
} from 'subreaper/testing';

const reaped: number[] = [];
const options: RegisterOptions = {
  onReap: ({ pid, name, code, signal, userCpuMs, maxRssKib, lifetimeMs }: ReapedOrphan) => {
    const all: [number, string | null, number | null, string | null, number, number, number | null] = [
      pid,
      name,
      code,
      signal,
      userCpuMs,
      maxRssKib,
      lifetimeMs,
    ];
    reaped.push(all[0]);
  },
  owns: (pid) => pid === 1,
};
const exitCode = (orphan: EventChannels['subreaper:orphan']): number | undefined =>
  orphan['process.exit.code'];
const once: KillTreeOptions = { signal: 'SIGTERM', graceMs: 1 };

async function main(): Promise<void> {
  const registration: Registration = register(options);
  const tracker: ProcessTracker = trackProcesses();
  const orphans: Orphan[] = await orphanChain({ width: 2 });
  const running: ProcessInfo[] = registration.orphans();
  const pids: number[] = descendants(process.pid).map(({ pid }) => pid);
  // @ts-expect-error A pid is a number, if the declarations are found.
  const wrong: string | undefined = running[0]?.pid;
  for (const { pid } of orphans) await killTree(pid, once);
  await waitForZombies(0, { timeoutMs: 120_000 });
  await tracker.stop();
  registration.unregister();
  console.log(
    typeof wrong,
    running.length,
    pids.length,
    registration.reaped,
    reaped.length,
    typeof exitCode,
    SystemError.name,
  );
}

void main();
