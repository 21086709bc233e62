/** Stands in for vitest in the emulated machine: all that the test helpers need of it. */
const steps: (() => unknown)[] = [];

/** @public for the helpers, which import it from vitest */
export function onTestFinished(step: () => unknown): void {
  steps.push(step);
}

/** Runs what the last scene has registered, the last step first. */
export async function cleanUp(): Promise<void> {
  while (steps.length > 0) await steps.pop()?.();
}
