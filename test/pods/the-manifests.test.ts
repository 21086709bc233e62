import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { describePods, type Pod, playPod, untilOnly } from './pods.ts';

/** podman gives each pod the port of the host, so only one replica finds it free. It ignores the Service. */
const read = (file: string) =>
  readFileSync(resolve('examples/kubernetes', file), 'utf8').replace('replicas: 3', 'replicas: 1');

const specOf = (manifest: string) => {
  const [{ spec }] = parseAllDocuments(manifest).map((document) => document.toJS());
  return spec.template?.spec ?? spec;
};

/** podman 4.3 runs no readiness probe, so the test asks in place of the kubelet. */
function isReady(pod: Pod, manifest: string): Promise<boolean> {
  const [{ ports, readinessProbe }] = specOf(manifest).containers;
  const { path, port } = readinessProbe.httpGet;
  return pod.get(ports.find(({ name }: { name: string }) => name === port).containerPort, path);
}

/** podman 4.3 does not read it. */
const gracePeriodOf = (manifest: string): number => specOf(manifest).terminationGracePeriodSeconds;

describePods('deployment.yaml, played by podman', () => {
  test('serves, holds the stop signal, drains, and gives what the app leaves its grace time', async () => {
    const manifest = read('deployment.yaml');
    const pod = await playPod(manifest);
    const web = await pod.container('web');
    expect([await web.nextLine(), await web.nextLine()].sort()).toEqual(['ready', 'worker: ready']);
    expect(await isReady(pod, manifest)).toBe(true);
    await untilOnly(web, 'subreaper', 'node', 'sh', 'sleep');

    const { status, tookMs } = await web.stop(gracePeriodOf(manifest));
    expect(status).toBe(0);
    expect(tookMs).toBeGreaterThan(5000);
    expect([await web.nextLine(), await web.nextLine(), await web.nextLine()]).toEqual([
      'draining',
      'bye',
      'worker: bye',
    ]);
  });
});

describePods('exec-probe.yaml, played by podman', () => {
  test('the probe succeeds, and leaves nothing below a PID 1 that reaps nothing', async () => {
    const manifest = read('exec-probe.yaml');
    const legacy = await (await playPod(manifest)).container('legacy');
    expect(await legacy.nextLine()).toBe('ready');
    for (let round = 0; round < 3; round++) expect(await legacy.probe()).toBe(0);
    await untilOnly(legacy, 'node');
    expect((await legacy.stop(gracePeriodOf(manifest))).status).toBe(0);
  });

  test('a probe that hangs and ignores SIGTERM fails, and leaves nothing either', async () => {
    const legacy = await (await playPod(read('exec-probe.yaml'))).container('legacy');
    expect((await legacy.exec('touch', '/dev/shm/hang')).code).toBe(0);
    expect(await legacy.probe()).toBe(1);
    await untilOnly(legacy, 'node');
  });

  test('without subreaper around it the probe leaves zombies, and what it started', async () => {
    const legacy = await (await playPod(read('exec-probe.yaml'))).container('legacy');
    expect((await legacy.exec('./probe.sh')).code).toBe(0);
    await untilOnly(legacy, 'node', 'sleep', 'probe.sh (zombie)');
  });
});

describePods('in-process.yaml, played by podman', () => {
  test('the app is PID 1, reaps what an exec leaves, and drains', async () => {
    const manifest = read('in-process.yaml');
    const pod = await playPod(manifest);
    const app = await pod.container('screenshots');
    expect([await app.nextLine(), await app.nextLine()].sort()).toEqual(['ready', 'worker: ready']);
    expect(await isReady(pod, manifest)).toBe(true);
    expect((await app.exec('sh', '-c', 'for i in 1 2 3 4 5 6 7 8; do (true &); done')).code).toBe(0);
    await untilOnly(app, 'node', 'sh', 'sleep');

    expect((await app.stop(gracePeriodOf(manifest))).status).toBe(0);
    // The worker says nothing: the kernel kills what PID 1 leaves.
    expect([await app.nextLine(), await app.nextLine()]).toEqual(['draining', 'bye']);
    await expect(app.nextLine()).rejects.toThrow('the output ended');
  });
});
