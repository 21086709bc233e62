// The workloads of beside-the-others.test.ts. Usage: node scenes.mjs <scene>
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { allProcesses, until } from '../helpers/proc.mjs';

const [, file, scene, ...args] = process.argv;
const stayForever = () => setInterval(() => {}, 60_000);

/** Starts another scene, and waits until it is ready. */
async function start(name, options = {}) {
  const child = spawn(process.execPath, [file, name], {
    stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
    ...options,
  });
  await once(child.stdio[3], 'data');
  child.stdio[3].destroy();
  return child;
}

/** Tells the starter of this scene that it is ready. It may be the test. */
async function ready() {
  const { writeSync } = await import('node:fs');
  writeSync(args[0] === 'main' ? 1 : 3, 'ready\n');
}

const scenes = {
  /** Leaves three orphans, and counts the zombies once they have ended. */
  async orphans() {
    const shell = spawn('sh', ['-c', 'sleep 0.1 & sleep 0.1 & sleep 0.1 &']);
    await once(shell, 'exit');
    const orphans = () => allProcesses().filter(({ name }) => name === 'sleep');
    await until(() => orphans().every(({ state }) => state === 'Z'), 'the orphans have ended');
    // Where nobody reaps them, they stay.
    const limit = Number(args[1]);
    await until(() => orphans().length === 0, 'they are reaped', limit).catch(() => {});
    console.log(`${orphans().length} zombies`);
    process.exit();
  },
  async plain() {
    stayForever();
    await ready();
  },
  /** Ends when its child does. */
  async group() {
    process.on('SIGTERM', () => {});
    const child = await start('child');
    child.on('exit', () => process.exit(0));
    await ready();
  },
  async session() {
    process.on('SIGTERM', () => {});
    const child = await start('child', { detached: true });
    child.on('exit', () => process.exit(0));
    await ready();
  },
  async child() {
    process.on('SIGTERM', () => {
      console.log('the child got SIGTERM');
      process.exit();
    });
    stayForever();
    await ready();
  },
  /** Ends, and leaves a process that needs a moment to end. */
  async survivor() {
    await start('slow');
    process.exit();
  },
  async slow() {
    process.on('SIGTERM', () =>
      setTimeout(() => {
        console.log('the survivor has ended in order');
        process.exit();
      }, 300),
    );
    stayForever();
    await ready();
  },
  /** Ends, and leaves a process in a session of its own. */
  async daemon() {
    await start('plain', { detached: true });
    process.exit();
  },
};

await scenes[scene]();
