// The Dockerfiles and docker commands of README and docs, as they stand there.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import { type Block, blocksOf, expectedLines, pages, runnerOf } from '../helpers/documentation.ts';
import { lacking } from '../helpers/needs.ts';
import { type Registry, startRegistry } from '../helpers/registry.ts';
import { startContainer } from './containers.ts';
import { docker, must, mustDocker, run } from './docker.ts';
import { testLabel } from './engine.ts';
import { joinSwarm } from './swarm.ts';

const BASE = 'node:24-bookworm-slim';

const blocks = pages.flatMap(blocksOf).filter((block) => runnerOf(block) === 'engine');
const dockerfiles = blocks.filter(({ language }) => language === 'dockerfile');
const commands = blocks.filter(({ language }) => language === 'sh');
const nameOf = ({ page, line }: Block) => `${page}, line ${line}`;

/** Blocks of Swarm need one, and take their time. */
const needsSwarm = ({ text }: Block) => text.includes('docker service');

const engine = inject('engine');
const lack =
  engine.kind === 'missing'
    ? `a Docker Engine: ${engine.reason}`
    : engine.host === undefined
      ? 'a Docker Engine of the tests’ own: this would replace an image of its user'
      : engine.base === BASE
        ? undefined
        : `${BASE}, which the pages say: this is ${engine.base}`;

describe('as the pages say', lacking(lack), () => {
  let folder: string;
  let registry: Registry;
  let originalBase: string;

  beforeAll(async () => {
    registry = await startRegistry({ fetched: ['pnpm@10', 'yarn@1'] });
    folder = mkdtempSync(join(tmpdir(), 'subreaper-docker-'));
    originalBase = await mustDocker('inspect', '--type=image', '--format', '{{.Id}}', BASE);
    await makeProject(folder, registry.url);
    // npm, pnpm and Yarn all read it. The Dockerfiles stay as they are.
    writeFileSync(
      join(folder, 'Dockerfile.base'),
      `FROM ${BASE}\nRUN echo registry=${registry.url} > /root/.npmrc\n`,
    );
    await build('Dockerfile.base', BASE);
  });
  afterAll(async () => {
    await mustDocker('tag', originalBase, BASE);
    registry.close();
    rmSync(folder, { recursive: true });
  });

  const build = (dockerfile: string, tag: string) =>
    must(
      'docker',
      ['build', '--quiet', '--network=host', '--label', testLabel, '--tag', tag, '--file', dockerfile, '.'],
      folder,
    );

  test.each(dockerfiles.map((block) => ({ name: nameOf(block), block })))(
    '$name: the image serves, and stops in order',
    async ({ block }) => {
      writeFileSync(join(folder, 'Dockerfile'), wholeDockerfile(block));
      await build('Dockerfile', 'web');
      const container = await startContainer({ image: 'web', command: [] });
      while (!(await container.nextLine()).includes('listening'));
      const check = JSON.parse(await container.inspect('{{json .Config.Healthcheck}}'));
      if (check !== null) {
        const [, ...command] = check.Test as string[];
        expect(await container.exec(...command)).toMatchObject({ code: 0 });
      }
      await container.stop();
      // A handler of its own, or npm's 128 + 15. The engine's SIGKILL would be 137.
      expect([0, 143]).toContain(await container.wait());
    },
  );

  test.each(commands.map((block) => ({ name: nameOf(block), block })))(
    '$name: the commands',
    async ({ block }) => {
      writeFileSync(join(folder, 'Dockerfile'), wholeDockerfile(dockerfiles[0] as Block));
      await build('Dockerfile', 'web');
      if (needsSwarm(block)) {
        const swarm = await joinSwarm();
        if (swarm.kind === 'unusable') throw new Error(swarm.reason);
        onTestFinished(async () => {
          await docker('service', 'rm', 'web');
          await swarm.leave();
        });
      }
      onTestFinished(removeContainers);
      const { code, stdout, stderr } = await run('sh', ['-e', '-c', block.text], folder);
      expect(code, stdout + stderr).toBe(0);
      for (const expected of expectedLines(block)) expect(stdout).toMatch(new RegExp(expected.source, 'm'));
    },
  );
});

/** A block that is a part of a Dockerfile stands behind the first one of the README. */
function wholeDockerfile({ text }: Block): string {
  return /^FROM /m.test(text) ? text : `${(dockerfiles[0] as Block).text}\n${text}`;
}

/** What is copied into the image: an app that depends on subreaper. */
async function makeProject(folder: string, registry: string): Promise<void> {
  const files = {
    'package.json': JSON.stringify({
      name: 'web',
      version: '1.0.0',
      private: true,
      type: 'module',
      scripts: { start: 'node server.js' },
    }),
    'server.js': `import { createServer } from 'node:http';
const server = createServer((request, response) => response.end('hello'));
server.listen(0, () => console.log('listening'));
process.on('SIGTERM', () => server.close());
`,
    '.dockerignore': 'node_modules\n',
  };
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  writeFileSync(join(folder, 'probe.sh'), '#!/bin/sh\nexit 0\n', { mode: 0o755 });
  const flags = [
    '--registry',
    registry,
    '--omit-lockfile-registry-resolved=false',
    '--no-audit',
    '--no-fund',
  ];
  await must('npm', ['install', '--package-lock-only', ...flags, 'subreaper'], folder);
}

/** The engine is the tests' own: so are all containers. */
async function removeContainers(): Promise<void> {
  const all = await mustDocker('ps', '--all', '--quiet');
  if (all !== '') await mustDocker('rm', '--force', '--volumes', ...all.split('\n'));
}
