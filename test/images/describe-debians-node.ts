import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, inject, test } from 'vitest';
import { lacking } from '../helpers/needs.ts';
import { runToEnd, startProcess } from '../helpers/run-init.ts';
import { runContainer } from './container.ts';
import { describeImage } from './describe-image.ts';
import type { Image } from './images.ts';
import type { LayerName } from './layers.ts';

const root = resolve(import.meta.dirname, '../..');
const isDebian12 = readFileSync('/etc/os-release', 'utf8').includes('VERSION_CODENAME=bookworm');
const lack = isDebian12 ? undefined : 'Debian 12: its programs run with the libraries of later releases';

/** The integration tests of what depends most on node's build: the calls, libuv's structures, signals, and both reapers. */
const files = ['native-calls', 'default-actions', 'floods-of-signals', 'registering'];

/** Debian's node is a small program: all the rest is in libraries, and libuv is not node's own copy. */
export function describeDebiansNode(image: Image): void {
  describeImage(image, () => {
    test('libnode and libuv are shared libraries', async () => {
      const print = "console.log(require('fs').readFileSync('/proc/self/maps', 'utf8'))";
      const { stdout } = await runContainer(image, [image.node, '-e', print]);
      for (const library of ['libnode', 'libuv']) expect(stdout).toContain(`/${library}.so.`);
    });

    test('a sample of the integration tests passes with it', lacking(lack), async () => {
      const folder = inject('images').made[image.layers[0] as LayerName];
      // Nothing of this run of vitest is for the one that it starts.
      const own = Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST'));
      const env = { ...Object.fromEntries(own), PATH: `/usr/bin:${process.env['PATH']}`, NO_COLOR: '1' };
      const overlay = 'mount -t overlay -o "lowerdir=$0/usr:/usr" none /usr && exec "$@"';
      const vitest = ['node', 'node_modules/vitest/vitest.mjs', 'run', '--project', 'integration', ...files];
      const line = ['unshare', '--mount', 'sh', '-c', overlay, `${folder}`, ...vitest];
      const { code, stdout, stderr } = await runToEnd(startProcess(line, { cwd: root, env }));
      expect(code, stdout + stderr).toBe(0);
      expect(stdout).toMatch(/Tests +\d+ passed/);
    });
  });
}
