import { expect, test } from 'vitest';
import { describePods, playPod } from './pods.ts';

const subreaper = '/app/node_modules/.bin/subreaper';

/** podman's and Docker's default. */
const defaultWaitSeconds = 10;

function manifestOf(command: readonly string[], isShared: boolean): string {
  const app = { name: 'app', image: 'web:1.0.0', workingDir: '/app', command };
  const spec = { shareProcessNamespace: isShared, restartPolicy: 'Never', containers: [app] };
  return JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'stop' }, spec });
}

/** `npm start` runs an app that takes 0.3 s from SIGTERM to its last line. The other one has no handler. */
const stops = [
  { command: 'node without-handler.js', isShared: false, status: 137, last: 'ready', isKilled: true },
  { command: 'subreaper -- node without-handler.js', isShared: false, status: 143, last: 'ready' },
  {
    command: 'node --import subreaper/register without-handler.js',
    isShared: false,
    status: 143,
    last: 'ready',
  },
  { command: 'npm start', isShared: false, status: 1, last: 'ready' },
  { command: 'subreaper -- npm start', isShared: false, status: 143, last: 'bye' },
  { command: 'npm start', isShared: true, status: 143, last: 'ready' },
  { command: 'subreaper -- npm start', isShared: true, status: 143, last: 'bye' },
];

describePods('podman stop', () => {
  for (const { command, isShared, status, last, isKilled = false } of stops) {
    const place = isShared ? 'in the process namespace of the pod' : 'as PID 1';
    test(`${command}, ${place}: ends with ${status}, its last word is "${last}"`, async ({ annotate }) => {
      const words = command.split(' ').map((word) => (word === 'subreaper' ? subreaper : word));
      const pod = await playPod(manifestOf(words, isShared));
      const app = await pod.container('app');
      while ((await app.nextLine()) !== 'ready');
      // Only what takes all the time gets podman's default. A slow machine must not make others do so.
      const end = await app.stop(isKilled ? defaultWaitSeconds : 60);
      await annotate(`${(end.tookMs / 1000).toFixed(1)} s`);
      expect(end.status).toBe(status);
      expect((await app.output()).trimEnd().split('\n').at(-1)).toBe(last);
    });
  }
});
