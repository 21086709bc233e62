import { expect, test } from 'vitest';
import { runContainer } from './container.ts';
import { describeImage, launcher } from './describe-image.ts';
import { images } from './images.ts';

const image = images['bash-as-sh'];

describeImage(image, () => {
  const asPosix = { ...image, env: { ...image.env, POSIXLY_CORRECT: '1' } };

  test.each([
    { how: 'by its own name', started: image, shell: ['/bin/bash'] },
    { how: 'in POSIX mode', started: image, shell: ['/bin/bash', '--posix'] },
    { how: 'in POSIX mode, by the environment', started: asPosix, shell: ['/bin/bash'] },
  ])('bash $how runs the launcher', async ({ started, shell }) => {
    const print = 'console.log(JSON.stringify(process.env)); process.exit(3)';
    const command = [...shell, launcher, '--', image.node, '-e', print];
    const { stdout, ...ended } = await runContainer(started, command);
    expect(ended).toEqual({ code: 3, signal: null, stderr: '' });
    expect(JSON.parse(stdout)).toEqual(started.env);
  });
});
