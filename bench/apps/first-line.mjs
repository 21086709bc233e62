const time = process.hrtime.bigint();

// Writes when its first line ran to the FIFO that it is given; process.hrtime() reads CLOCK_MONOTONIC.
import { openSync, writeSync } from 'node:fs';

writeSync(openSync(process.argv[2], 'w'), `${time}\n`);
