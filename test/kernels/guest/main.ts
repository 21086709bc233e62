// The workload of the emulated machine's PID 1: runs every scene, and reports what it sees on the second serial port.
import { closeSync, openSync, writeSync } from 'node:fs';
import { release } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { withCleanUp } from './clean-up.ts';
import type { Message } from './message.ts';
import { type Place, type Scene, sceneName } from './scene.ts';
import { alone, LAST_STATUS, scenes, waiting } from './scenes.ts';

/** For a scene that hangs: the others still run. */
const SCENE_DEADLINE_MS = 900_000;

function report(message: Message): void {
  // The close waits until the port has sent all of it: close(2) of a terminal. The machine may end right after it.
  const port = openSync(process.env['REPORT_PORT'] as string, 'w');
  writeSync(port, `${JSON.stringify(message)}\n`);
  closeSync(port);
}

async function runScenes(place: Place, which: readonly Scene[]): Promise<void> {
  for (const scene of which.filter(({ places }) => places.includes(place))) {
    const name = sceneName(scene, place);
    const start = performance.now();
    try {
      const saw = await withCleanUp(() => Promise.race([scene.see(place), deadline()]));
      report({ kind: 'saw', scene: name, saw, ms: Math.round(performance.now() - start) });
    } catch (error) {
      report({ kind: 'failed', scene: name, error: String((error as Error).stack) });
    }
  }
}

async function deadline(): Promise<never> {
  await setTimeout(SCENE_DEADLINE_MS, undefined, { ref: false });
  throw new Error(`not over within ${SCENE_DEADLINE_MS} ms`);
}

// A signal that is awaited does not keep node running.
setInterval(() => {}, 60_000);
report({ kind: 'kernel', release: release() });
// Alone: it counts the children of PID 1.
await runScenes('machine', scenes);
// The machine has two processors.
const others = scenes.filter((scene) => !alone.includes(scene) && !waiting.includes(scene));
await Promise.all([runScenes('pid1', others), runScenes('subreaper', others), runScenes('pid1', waiting)]);
for (const place of ['pid1', 'subreaper'] as const) await runScenes(place, alone);
// The end of a container: a stop signal to PID 1, which reaches this program.
process.once('SIGTERM', () => process.exit(LAST_STATUS));
process.kill(1, 'SIGTERM');
