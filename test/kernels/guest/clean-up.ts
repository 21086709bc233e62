import { AsyncLocalStorage } from 'node:async_hooks';

type Step = () => unknown;

/** The steps of the scene that runs: two run at a time. */
const steps = new AsyncLocalStorage<Step[]>();

/**
 * Stands in for vitest in the emulated machine: this is all that the test helpers need of it.
 * @public for the helpers, which import it from vitest
 */
export function onTestFinished(step: Step): void {
  steps.getStore()?.push(step);
}

/** Runs a scene, and then what it has registered, the last step first. */
export function withCleanUp<Result>(scene: () => Promise<Result>): Promise<Result> {
  const registered: Step[] = [];
  return steps.run(registered, async () => {
    try {
      return await scene();
    } finally {
      for (const step of registered.reverse()) await step();
    }
  });
}
