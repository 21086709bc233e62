// The app's worker thread: the kernel ties the children that it starts to this thread and not to the main one.
import { spawn } from 'node:child_process';
import { parentPort, workerData } from 'node:worker_threads';

parentPort.on('message', ({ index, args }) => {
  const child = spawn(workerData.actor, args, { stdio: 'ignore' });
  child.once('error', ({ code }) => parentPort.postMessage({ index, ended: code }));
  child.once('exit', (code, signal) => parentPort.postMessage({ index, ended: signal ?? code }));
});
