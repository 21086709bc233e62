import { type Exit, type InitOptions, type RunningInit, runInit, startInit } from '../../helpers/run-init.ts';

/**
 * Each init in a session of its own, as a container's. In the session of the scenes, a stopped one would have the kernel
 * send SIGHUP to all of them: setpgid(2), orphaned process groups.
 */
const inSession = (init: InitOptions): InitOptions => ({ ...init, spawn: { ...init.spawn, detached: true } });

/** Starts init over a workload. Whatever is left of it when the scene is over is killed. */
export function start(init: InitOptions): Promise<RunningInit> {
  return startInit(inSession(init));
}

/** Runs init to its end. */
export function run(init: InitOptions): Promise<Exit & { stdout: string; stderr: string }> {
  return runInit(inSession(init));
}
