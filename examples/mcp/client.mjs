// An MCP client: starts the server by the command in its arguments, calls its tool, and stays.

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';

const [command, ...args] = process.argv.slice(2);
const client = new Client({ name: 'client', version: '1.0.0' });
await client.connect(new StdioClientTransport({ command, args, env: process.env }));
const { content } = await client.callTool({ name: 'preview' });
console.log(`the server has a preview at ${content[0].text}`);
