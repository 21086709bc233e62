// Loaded by a bare node, with --import, it leaves what any module does: node has imported one, which takes threads, and
// starts as late as with subreaper/register on a busy machine.
const LATE_MS = 20;

const start = performance.now();
while (performance.now() - start < LATE_MS);
