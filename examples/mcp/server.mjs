// A stdio MCP server with what many have: a port for a preview, and a helper in a session of its own.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';

const preview = createServer((_, response) => response.end('a preview\n')).listen(0, '127.0.0.1');
await once(preview, 'listening');
// It stands for a browser, a watcher, a language server.
spawn('sleep', ['3600'], { detached: true, stdio: 'ignore' });

const server = new McpServer({ name: 'preview', version: '1.0.0' });
server.registerTool('preview', { description: 'Where the preview is' }, async () => ({
  content: [{ type: 'text', text: `http://127.0.0.1:${preview.address().port}` }],
}));
await server.connect(new StdioServerTransport());
