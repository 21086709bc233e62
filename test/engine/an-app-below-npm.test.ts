// The image of the README: subreaper as ENTRYPOINT, npm start as CMD.
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { readAppLog } from '../starters/app-log.ts';
import { describeEngine, startContainer } from './containers.ts';

const app = resolve(import.meta.dirname, '../starters');

describeEngine('docker stop, npm start below subreaper', () => {
  for (const listens of ['once', 'on']) {
    for (const drainMs of [500, 4000]) {
      test(`process.${listens}, a drain of ${drainMs / 1000} s: the app drains, and gets SIGTERM once`, async ({
        annotate,
      }) => {
        const running = await startContainer({
          options: [
            ...['--volume', `${app}:/srv:ro`, '--workdir', '/srv'],
            ...['--env', `APP_LISTENS=${listens}`, '--env', `APP_DRAIN_MS=${drainMs}`],
          ],
          command: ['npm', 'start'],
        });
        while (readAppLog(await running.nextLine()).pid === undefined);
        await annotate(`${((await running.stop()) / 1000).toFixed(1)} s`);
        // npm dies of the signal.
        expect(await running.wait()).toBe(143);
        const { stdout } = await running.logs();
        expect(readAppLog(stdout)).toMatchObject({ seen: ['SIGTERM'], hasDrained: true });
      });
    }
  }
});
