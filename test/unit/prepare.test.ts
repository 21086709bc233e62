import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { prepare } from '../../src/cli/prepare.ts';
import type { Inherited } from '../../src/start/inherited.ts';

test('what is written has the source of the program that runs, though its file and its memory may be others by then', () => {
  const folder = mkdtempSync(join(tmpdir(), 'subreaper-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const cacheFile = join(folder, 'cli.cache');
  const source = Buffer.from('source');
  const loaded = {
    source,
    cache: Buffer.alloc(0),
    cacheFile,
    isPrepared: false,
    createCache: () => Buffer.from('code'),
  };
  const { messages } = prepare(loaded, { environment: [] as Inherited['environment'] } as Inherited);
  source.fill(0);
  const exit = vi.spyOn(process, 'exit').mockReturnValue(undefined as never);
  onTestFinished(() => exit.mockRestore());

  messages.observer?.observe({ kind: 'exit', status: 143, reason: null });

  expect(exit).toHaveBeenCalledWith(0);
  expect(readFileSync(cacheFile, 'utf8')).toBe('codecodesource');
});
