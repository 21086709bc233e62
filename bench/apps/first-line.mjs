const time = process.hrtime.bigint();

// Writes when its first line ran to the file that it is given; process.hrtime() reads CLOCK_MONOTONIC.
import { writeFileSync } from 'node:fs';

writeFileSync(process.argv[2], `${time}`);
