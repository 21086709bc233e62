import { expect, test } from 'vitest';
import { runContainer } from './container.ts';
import { describeImage, launcher } from './describe-image.ts';
import { images } from './images.ts';

const image = images.distroless;

describeImage(image, () => {
  test('node is not in PATH, and init says so', async () => {
    const { code, stderr } = await runContainer(image, [image.node, launcher, '--', 'node', '--version']);
    expect(code).toBe(127);
    expect(stderr).toMatch(/^subreaper: [^\n]*node[^\n]*\n$/);
  });
});
