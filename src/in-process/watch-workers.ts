import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Worker } from 'node:worker_threads';

/**
 * Calls back at the end of each worker thread that is started from now on. Only an 'exit' listener can detect it. This
 * raises the worker's listener limit by one meanwhile, so that the app can still add as many of its own.
 * @returns a function that ends the watch
 */
export function watchWorkers(onEnd: () => void): () => void {
  const watched = new Map<Worker, { readonly raisedLimit: number | undefined }>();

  const onWorker = (message: unknown) => {
    const { worker } = message as { worker: Worker };
    const limit = worker.getMaxListeners();
    // 0 and Infinity mean no limit.
    const raisedLimit = limit > 0 && limit < Infinity ? limit + 1 : undefined;
    if (raisedLimit !== undefined) worker.setMaxListeners(raisedLimit);
    worker.on('exit', onExit);
    watched.set(worker, { raisedLimit });
  };
  subscribe('worker_threads', onWorker);

  function onExit(this: Worker): void {
    letGo(this);
    onEnd();
  }

  function letGo(worker: Worker): void {
    worker.off('exit', onExit);
    const raisedLimit = watched.get(worker)?.raisedLimit;
    watched.delete(worker);
    // Unless the app has set another limit since.
    if (raisedLimit !== undefined && worker.getMaxListeners() === raisedLimit) {
      worker.setMaxListeners(raisedLimit - 1);
    }
  }

  return () => {
    unsubscribe('worker_threads', onWorker);
    for (const worker of watched.keys()) letGo(worker);
  };
}
