// A small service. Usage: http.mjs [OUT]    writes OUT once it listens and stays, or ends then
import { renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';

const [out] = process.argv.slice(2);
const server = createServer((_, response) => response.end('ok'));
server.listen(0, '127.0.0.1', () => {
  if (out === undefined) {
    server.close();
    return;
  }
  writeFileSync(`${out}.part`, `${process.hrtime.bigint()}\n`);
  renameSync(`${out}.part`, out);
});
