import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { describePods, playPod, untilOnly } from './pods.ts';

const manifest = readFileSync('examples/kubernetes/shared-process-namespace.yaml', 'utf8');
const monitorRuns = ['subreaper', 'node'];
const webRuns = ['subreaper', 'node', 'sh', 'sleep'];

describePods('shared-process-namespace.yaml, played by podman', () => {
  // podman's own pause process is catatonit.
  for (const [pause, first] of [
    ['podman', 'catatonit'],
    ['subreaper', 'subreaper'],
  ] as const) {
    test(`PID 1 is ${first}: no zombie stays, and a container that stops ends its own tree`, async () => {
      const pod = await playPod(manifest, pause);
      const [web, monitor] = [await pod.container('web'), await pod.container('monitor')];
      expect(await monitor.nextLine()).toBe('ready');
      expect([await web.nextLine(), await web.nextLine()].sort()).toEqual(['ready', 'worker: ready']);
      // Orphans of an exec go to PID 1.
      expect((await web.exec('sh', '-c', 'for i in 1 2 3 4 5 6 7 8; do (true &); done')).code).toBe(0);
      await untilOnly(web, first, ...monitorRuns, ...webRuns);

      expect((await web.stop(60)).status).toBe(0);
      expect(await web.output()).toMatch(/draining\nbye\nworker: bye\n$/);
      await untilOnly(monitor, first, ...monitorRuns);
    });

    // podman 4.3 does not stop the others before PID 1, whose end kills all of the namespace.
    test(`PID 1 is ${first}: with podman pod stop nobody gets its time`, async ({ annotate }) => {
      const pod = await playPod(manifest, pause);
      const [pauseContainer, monitor] = [await pod.pause(), await pod.container('monitor')];
      expect(await monitor.nextLine()).toBe('ready');
      await untilOnly(monitor, first, ...monitorRuns, ...webRuns);
      await annotate(`${((await pod.stop(60)) / 1000).toFixed(1)} s`);
      expect(await pauseContainer.status()).toBe(0);
      expect(await monitor.status()).toBe(137);
      expect(await monitor.output()).toBe('ready\n');
    });
  }
});
