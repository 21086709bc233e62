// SIGKILLs an MCP client whose server was started directly, and one whose server was started through subreaper.
// Usage: node examples/mcp/demo.mjs [--json]

import { conclude, killOwners } from '../../test/helpers/killed-owners.mjs';

process.chdir(new URL('../..', import.meta.url).pathname);
const client = ['node', 'examples/mcp/client.mjs'];
const server = ['node', 'examples/mcp/server.mjs'];
const subreaper = ['bin/subreaper', '--until-owner', '--until-stdin-closes', '--grace', '1s', '--'];

conclude(
  await killOwners([
    { name: 'the server alone', line: [...client, ...server], isBound: false },
    { name: 'the server below subreaper', line: [...client, ...subreaper, ...server], isBound: true },
  ]),
);
