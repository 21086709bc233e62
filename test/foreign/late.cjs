// Makes a bare node start as late as one that loads subreaper/register on a busy machine.
const LATE_MS = 20;

const start = performance.now();
while (performance.now() - start < LATE_MS);
