// The worker thread of the soak: a source of children that the kernel ties to this thread and not to the main one.

import { spawn } from 'node:child_process';
import { parentPort, workerData } from 'node:worker_threads';

parentPort.on('message', (message) => {
  if (message === 'end') {
    parentPort.close();
    return;
  }
  const { index, args } = message;
  const child = spawn(workerData.helper, args, { stdio: 'ignore' });
  child.once('error', ({ code }) => parentPort.postMessage({ index, ended: code }));
  child.once('exit', (code, signal) => parentPort.postMessage({ index, ended: signal ?? code }));
});
