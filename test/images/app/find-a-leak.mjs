// A test that leaks a process, which the testing kit finds.
import { orphanChain, trackProcesses } from 'subreaper/testing';

const processes = trackProcesses();
await orphanChain({ depth: 2 });
try {
  await processes[Symbol.asyncDispose]();
} catch (error) {
  console.log(error.name);
}
