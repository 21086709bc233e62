// A small service. Usage: http.mjs [OUT]    makes OUT once it listens and stays, or ends then
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';

const [out] = process.argv.slice(2);
const server = createServer((_, response) => response.end('ok')).listen(0, '127.0.0.1', () => {
  if (out) writeFileSync(out, '');
  else server.close();
});
