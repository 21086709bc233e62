import { execFile, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { root } from '../helpers/documentation.ts';
import { type Registry, startRegistry } from '../helpers/registry.ts';

/** What a reader of a page has: a project with an app, a test, and subreaper installed as the page says. */
export interface Project {
  readonly folder: string;
  run(command: readonly [string, ...string[]]): Promise<Outcome>;
}

export interface Outcome {
  readonly status: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Projects {
  /** Makes the project of a page. */
  make(page: string): Project;
  remove(): void;
}

/** What the pages take for granted: tools that a project has anyway, and what they show code for. */
const tools = ['vitest', 'jest', 'pino', '@modelcontextprotocol/sdk'];

const files: Readonly<Record<string, string>> = {
  // A service. It says when it serves, and ends in order on a stop signal.
  'server.js': `import { createServer } from 'node:http';

const server = createServer((request, response) => response.end('hello'));
server.listen(0, () => console.log('listening'));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => server.close());
`,
  'app.js': `console.log('hello');\n`,
  'sum.test.js': `import { expect, test } from 'vitest';\n\ntest('a sum', () => expect(1 + 1).toBe(2));\n`,
  'package.json': JSON.stringify({
    name: 'web',
    version: '1.0.0',
    private: true,
    type: 'module',
    scripts: { start: 'node server.js', test: 'vitest run --reporter=dot' },
  }),
};

export async function makeProjects(): Promise<Projects> {
  const above = mkdtempSync(join(tmpdir(), 'subreaper-pages-'));
  const registry = await startRegistry();
  // A folder above the projects has the tools: npm would remove them from a project whose package.json does not name them.
  mkdirSync(join(above, 'node_modules/.bin'), { recursive: true });
  mkdirSync(join(above, 'node_modules/@modelcontextprotocol'));
  for (const tool of tools) symlinkSync(join(root, 'node_modules', tool), join(above, 'node_modules', tool));
  for (const tool of ['vitest', 'jest'])
    symlinkSync(join(root, 'node_modules/.bin', tool), join(above, 'node_modules/.bin', tool));
  const installed = join(above, 'installed');
  mkdirSync(installed);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(installed, name), text);
  const env = environment(above, installed, registry);
  await promisify(execFile)('npm', ['install', 'subreaper'], { cwd: installed, env });
  return {
    make(page) {
      const folder = join(above, page.replace(/\W/g, '-'));
      cpSync(installed, folder, { recursive: true, verbatimSymlinks: true });
      return { folder, run: (command) => run(command, folder, environment(above, folder, registry)) };
    },
    remove() {
      registry.close();
      rmSync(above, { recursive: true });
    },
  };
}

function environment(above: string, folder: string, registry: Registry): NodeJS.ProcessEnv {
  // Without the variables of this runner and of the npm that started it.
  const own = Object.entries(process.env).filter(
    ([name]) => !/^(VITEST|NODE_OPTIONS|NODE_V8|TEST$|npm_|INIT_CWD)/i.test(name),
  );
  const path = [
    join(folder, 'node_modules/.bin'),
    // The launcher, the apps and the workloads all find the node that runs this test.
    dirname(process.execPath),
    process.env['PATH'],
  ];
  return {
    ...Object.fromEntries(own),
    PATH: path.join(delimiter),
    npm_config_registry: registry.url,
    npm_config_cache: join(above, 'npm-cache'),
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    npm_config_update_notifier: 'false',
  };
}

/** Runs a command. A service, which says that it listens, then gets a Ctrl-C. */
function run(
  [file, ...args]: readonly [string, ...string[]],
  cwd: string,
  env: NodeJS.ProcessEnv,
): Promise<Outcome> {
  // In a session of its own: Ctrl-C reaches the command's process group alone.
  const child = spawn(file, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    if (text.includes('listening')) process.kill(-(child.pid as number), 'SIGINT');
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ status: code ?? String(signal), stdout, stderr }));
  });
}
