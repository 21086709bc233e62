import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { launcher } from '../helpers/environment.ts';
import { command, lacking } from '../helpers/needs.ts';
import { describeEngine } from './containers.ts';
import { mustDocker } from './docker.ts';
import { startOwn } from './engine.ts';

describeEngine('an engine whose docker-init is subreaper', () => {
  test('starts, and reads its version', lacking(command('dockerd', 'docker.io')), async () => {
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
