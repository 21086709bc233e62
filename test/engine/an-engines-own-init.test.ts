import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { launcher } from '../helpers/environment.ts';
import { describeEngine } from './containers.ts';
import { isInstalled, mustDocker } from './docker.ts';
import { startOwn } from './engine.ts';

const hasDaemon = await isInstalled('dockerd');

describeEngine('an engine whose docker-init is subreaper', () => {
  test.skipIf(!hasDaemon)('starts, and reads its version', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'subreaper-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const dockerInit = join(folder, 'docker-init');
    symlinkSync(launcher, dockerInit);
    const engine = await startOwn(['--init-path', dockerInit]);
    try {
      expect(await mustDocker('info', '--format', '{{.InitBinary}}')).toBe(dockerInit);
      const components = JSON.parse(await mustDocker('version', '--format', '{{json .Server.Components}}'));
      expect(components).toContainEqual(expect.objectContaining({ Name: 'docker-init', Version: '0.19.0' }));
    } finally {
      await engine.stop();
    }
  });
});
