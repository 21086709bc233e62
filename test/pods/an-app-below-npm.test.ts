import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { readAppLog } from '../starters/app-log.ts';
import { describePods, playPod } from './pods.ts';

const folder = resolve(import.meta.dirname, '../starters');

function manifestOf(listens: string, drainMs: number, isShared: boolean): string {
  const app = {
    name: 'app',
    image: 'web:1.0.0',
    workingDir: '/srv',
    command: ['/app/node_modules/.bin/subreaper', '--', 'npm', 'start'],
    env: [
      { name: 'APP_LISTENS', value: listens },
      { name: 'APP_DRAIN_MS', value: String(drainMs) },
    ],
    volumeMounts: [{ name: 'app', mountPath: '/srv', readOnly: true }],
  };
  const spec = {
    shareProcessNamespace: isShared,
    restartPolicy: 'Never',
    containers: [app],
    volumes: [{ name: 'app', hostPath: { path: folder, type: 'Directory' } }],
  };
  return JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'below-npm' }, spec });
}

const apps = [
  { listens: 'once', drainMs: 500, isShared: false },
  { listens: 'once', drainMs: 4000, isShared: false },
  { listens: 'on', drainMs: 500, isShared: false },
  { listens: 'on', drainMs: 4000, isShared: false },
  { listens: 'once', drainMs: 4000, isShared: true },
];

describePods('podman stop, npm start below subreaper', () => {
  for (const { listens, drainMs, isShared } of apps) {
    const place = isShared ? 'in the process namespace of the pod' : 'as PID 1';
    test(`${place}, process.${listens}, a drain of ${drainMs / 1000} s: the app drains, and gets SIGTERM once`, async ({
      annotate,
    }) => {
      const app = await (await playPod(manifestOf(listens, drainMs, isShared))).container('app');
      while (readAppLog(await app.nextLine()).pid === undefined);
      const { tookMs, status } = await app.stop(60);
      await annotate(`${(tookMs / 1000).toFixed(1)} s`);
      // npm dies of the signal.
      expect(status).toBe(143);
      expect(readAppLog(await app.output())).toMatchObject({ seen: ['SIGTERM'], hasDrained: true });
    });
  }
});
