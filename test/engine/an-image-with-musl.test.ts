// As in Alpine: musl, busybox and node, and nothing of glibc. npm has installed the package there.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { lacking } from '../helpers/needs.ts';
import { until } from '../helpers/proc.ts';
import { readAppLog } from '../starters/app-log.ts';
import {
  type Container,
  type ContainerOptions,
  describeEngine,
  launcher,
  runContainer,
  startContainer,
  untilOnly,
} from './containers.ts';
import { buildMuslImage, lackOfMusl, nodes } from './musl-image.ts';

const starters = resolve(import.meta.dirname, '../starters');
/** The first time, busybox is compiled. */
const BUILD_MS = 1_800_000;

/** Leaves so many orphans: each a child of a shell that has ended. */
const leave = (orphans: number) =>
  ['sh', '-c', `i=0; while [ $i -lt ${orphans} ]; do (sleep 0.01 &); i=$((i + 1)); done`] as const;

const librariesOf = ({ pid }: Container) => [
  ...new Set(readFileSync(`/proc/${pid}/maps`, 'utf8').match(/[^/ ]+\.(so|node)[^/\n]*$/gm)),
];

describeEngine('an image with musl', () => {
  describe('and nothing of glibc', lacking(lackOfMusl()), () => {
    let image: string;
    beforeAll(async () => {
      image = await buildMuslImage();
    }, BUILD_MS);

    test('has no loader and no C library but musl’s', async () => {
      const script = `find / -xdev '(' -name 'ld-*.so*' -o -name 'libc.*so*' ')'`;
      const { stdout } = await runContainer({ image, entrypoint: 'sh', command: ['-c', script] });
      expect(stdout.trim().split('\n').sort()).toEqual([
        '/lib/ld-musl-x86_64.so.1',
        '/lib/libc.musl-x86_64.so.1',
      ]);
    });

    describe.each(nodes)('Node %s', (node) => {
      const inImage = ({ options = [], ...rest }: ContainerOptions): ContainerOptions => ({
        image,
        options: [...options, '--env', `PATH=/opt/node-${node}/bin:/usr/bin:/bin`],
        ...rest,
      });

      test('init is PID 1, with musl and koffi’s addon for it', async () => {
        const script = 'node --version; exec sleep 1000';
        const container = await startContainer(inImage({ command: ['sh', '-c', script] }));
        expect(await container.nextLine()).toMatch(new RegExp(`^v${node}\\.`));
        await untilOnly(container, ['subreaper', 'sleep']);
        const libraries = librariesOf(container);
        expect(libraries).toEqual(expect.arrayContaining(['ld-musl-x86_64.so.1', 'koffi.node']));
        expect(libraries).not.toContain('libc.so.6');
        expect((await container.logs()).stderr).toBe('');
      });

      test.each([
        { name: 'the workload’s own', command: ['sh', '-c', 'exit 7'], code: 7 },
        { name: '128 + 9 for SIGKILL', command: ['sh', '-c', 'kill -KILL $$'], code: 137 },
        { name: '127 for a command that is not there', command: ['no-such-command'], code: 127 },
        { name: '126 for a directory', command: ['/etc'], code: 126 },
      ])('the exit code: $name', async ({ command, code }) => {
        expect((await runContainer(inImage({ command }))).code).toBe(code);
      });

      test.each([
        { name: 'which ends by itself', handler: 'process.exit(0)', code: 0 },
        { name: 'without a handler', handler: undefined, code: 143 },
      ])('docker stop of an app $name: $code', async ({ handler, code }) => {
        const handles = handler === undefined ? '' : `process.on('SIGTERM', () => ${handler});`;
        const app = `${handles} setInterval(() => {}, 1000); console.log('ready');`;
        const container = await startContainer(inImage({ command: ['node', '-e', app] }));
        expect(await container.nextLine()).toBe('ready');
        await container.stop();
        expect(await container.wait()).toBe(code);
      });

      // busybox's sh becomes its last command, so npm passes the signal on to the app, which has had it from init.
      test('docker stop of npm start: the app drains, and its status is the container’s', async () => {
        // Without a network musl waits 5 s for a DNS server.
        const env = ['--env', 'APP_DRAIN_MS=500', '--env', 'npm_config_update_notifier=false'];
        const options = ['--volume', `${starters}:/srv:ro`, '--workdir', '/srv', ...env];
        const container = await startContainer(inImage({ options, command: ['npm', 'start'] }));
        while (readAppLog(await container.nextLine()).pid === undefined);
        await container.stop();
        expect(await container.wait()).toBe(0);
        const { seen, hasDrained } = readAppLog((await container.logs()).stdout);
        // Two signals that come at once are one.
        expect({ seen: [...new Set(seen)], hasDrained }).toEqual({ seen: ['SIGTERM'], hasDrained: true });
      });

      test('what the app leaves behind ends with it', async () => {
        const survivor = `setsid sh -c 'trap "" TERM; echo ready; exec sleep 1000' & exec sleep 1000`;
        const options = ['--env', 'SUBREAPER_OPTIONS=--grace 200ms'];
        const container = await startContainer(inImage({ options, command: ['sh', '-c', survivor] }));
        expect(await container.nextLine()).toBe('ready');
        await container.stop();
        expect(await container.wait()).toBe(143);
      });

      test('docker exec that leaves 300 orphans, a timeout among them: no zombie', async () => {
        const container = await startContainer(inImage({ command: ['sleep', '1000'] }));
        expect((await container.exec(...leave(300))).code).toBe(0);
        // busybox's leaves a zombie, if nothing reaps.
        expect((await container.exec('timeout', '5', 'true')).code).toBe(0);
        await untilOnly(container, ['subreaper', 'sleep']);
      });

      test('a HEALTHCHECK that leaves orphans: healthy, and no zombie', async () => {
        const health = ['--health-interval', '1s', '--health-timeout', '30s', '--health-cmd'];
        const check = 'timeout 25 sh -c "(true &); (true &); exit 0"';
        const container = await startContainer(
          inImage({ options: [...health, check], command: ['sleep', '1000'] }),
        );
        const isHealthy = async () => (await container.inspect('{{.State.Health.Status}}')) === 'healthy';
        await until(isHealthy, 'the container is healthy', undefined, 100);
        await untilOnly(container, ['subreaper', 'sleep']);
      });

      test('doctor finds nothing wrong', async () => {
        const { code, stdout } = await runContainer(inImage({ entrypoint: launcher, command: ['doctor'] }));
        expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('PID 1') });
      });

      test('an app that is its own init reaps orphans, and ends with 143', async () => {
        const app = `setInterval(() => {}, 1000); console.log('ready')`;
        const container = await startContainer(
          inImage({ entrypoint: 'node', command: ['--import', 'subreaper/register', '-e', app] }),
        );
        expect(await container.nextLine()).toBe('ready');
        expect((await container.exec(...leave(300))).code).toBe(0);
        await until(() => container.processes().length === 1, 'only the app is left');
        await container.stop();
        expect(await container.wait()).toBe(143);
      });

      test('the launcher in dash', async () => {
        const command = [launcher, '--', 'sh', '-c', 'echo "$NODE_OPTIONS"; exit 7'];
        const options = ['--env', 'NODE_OPTIONS=--no-warnings'];
        expect(await runContainer(inImage({ entrypoint: 'dash', options, command }))).toEqual({
          code: 7,
          stdout: '--no-warnings\n',
          stderr: '',
        });
      });
    });
  });
});
